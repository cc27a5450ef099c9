export { createTxPool, defaultPoolLimits, type PoolOptions } from './pool.ts';
export type { PooledTransaction, PoolLimits, SenderState, TxPool } from './types.ts';
export { tipAt } from './validate.ts';
