export type { ChainStatus, FinalBlock } from './messages.ts';
export { createSync, type Sync, type SyncInput } from './sync.ts';
