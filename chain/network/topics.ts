/** Names of the chain's topics and stream protocols. Topics carry the chain id, so that two networks on one machine keep apart. */

export const consensusTopic = (chainId: bigint): string => `/fedai/${chainId}/consensus/1`;
export const txTopic = (chainId: bigint): string => `/fedai/${chainId}/tx/1`;
/** Body of one block by hash: proposals under vote and final blocks. */
export const BLOCK_PROTOCOL = '/fedai/block/1';
/** Pending transactions that the asker does not have. */
export const TXS_PROTOCOL = '/fedai/txs/1';
/** How far a peer's chain is, with proof. */
export const STATUS_PROTOCOL = '/fedai/status/2';
/** A range of final blocks with their commits. */
export const BLOCKS_PROTOCOL = '/fedai/blocks/1';
/** What a validator holds of another that starts. */
export const SIGNED_PROTOCOL = '/fedai/signed/1';
