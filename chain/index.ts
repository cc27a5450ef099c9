export {
  type ApplicationOptions,
  type ChainApplication,
  type CommittedBlock,
  createApplication,
} from './application.ts';
export { decodeBlock, decodeHeader, encodeBlock, MAX_BLOCK_BYTES } from './block.ts';
export { type ChainNode, type ChainNodeInput, createChainNode } from './node.ts';
export type { NodeStatus } from './node-status.ts';
export {
  type ContentIntake,
  createContentIntake,
  createRpcServer,
  openPages,
  type Pages,
  type RpcServer,
  type RpcServerOptions,
} from './rpc/index.ts';
export {
  type ChainSpec,
  type CreateChainSpecInput,
  createChainSpec,
  createGenesis,
  type GenesisValidator,
  loadChainSpec,
  parseChainSpec,
  saveChainSpec,
} from './spec/index.ts';
export type { Application, Block, BlockCheck, BuildInput, ConsensusNetwork, Head } from './types.ts';
