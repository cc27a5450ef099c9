export { fetchBlock, readWhole, serveBlock } from './block-protocol.ts';
export { type ConsensusNetworkInput, createConsensusNetwork } from './consensus-network.ts';
export { createWitnesses, serveSigned } from './signed-protocol.ts';
export { BLOCKS_PROTOCOL, consensusTopic, STATUS_PROTOCOL } from './topics.ts';
export { createTxGossip, type TxGossipInput } from './tx-gossip.ts';
