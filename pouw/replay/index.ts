export { createReplayer, type Replayer } from './replayer.ts';
export type { ReplayOutcome, ReplayRequest } from './types.ts';
