/** Asks the worker of a new job's page. */
import { createAsking } from '../node/asking.ts';
import type { DataFacts, DraftFacts, Dropped, Prepared, Progress, Question, Wanted } from './messages.ts';

const ask = createAsking<Question, Progress>('fedai-post-worker');

export const readData = (
  files: readonly Dropped[],
  input: readonly number[],
  onProgress: (share: number) => void,
): Promise<DataFacts> =>
  ask({ kind: 'read', files, input }, ({ share }) => onProgress(share)) as Promise<DataFacts>;

/** `records`: how many to train on, where the data is not there yet. */
export const checkDraft = (wanted: Wanted, records = 0): Promise<DraftFacts> =>
  ask({ kind: 'check', wanted, records }) as Promise<DraftFacts>;

export const prepareJob = (wanted: Wanted, onProgress: (share: number) => void): Promise<Prepared> =>
  ask({ kind: 'prepare', wanted }, ({ share }) => onProgress(share)) as Promise<Prepared>;
