export { createReplayer, type Replayer, type ReplayOptions } from './replayer.ts';
export type { ReplayOutcome, ReplayRequest } from './types.ts';
