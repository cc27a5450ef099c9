export { readState, type StateReader } from './accounts.ts';
export { decodeTransaction, effectiveGasPrice, headerFields } from './blockRunner.ts';
export { createChainCommon, fastKeccak } from './common.ts';
export { createEvmPool, type EvmPool, type Machine } from './evmPool.ts';
export { createExecution, type ExecutionOptions } from './execution.ts';
export { OverlayState } from './overlay.ts';
export { bloomOf, bloomTester, encodeConsensusReceipt, listRoot } from './receipts.ts';
export { memoryStateSource, StateDb, type StateSource, type StateWrites } from './stateDb.ts';
export { EMPTY_ROOT, type NewNode, prove, Trie } from './trie.ts';
export type {
  BlockEnvironment,
  BlockHashes,
  CallOutcome,
  CallRequest,
  ExecutedBlock,
  Execution,
  Log,
  Receipt,
} from './types.ts';
