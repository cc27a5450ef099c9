export { type OpenStoreOptions, openStore } from './levelStore.ts';
export type { TransactionPlace } from './records.ts';
export type { ChainStore, StoredHeight } from './types.ts';
