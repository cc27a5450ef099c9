/** What is known of a running devnet, as a pure function of the updates that reach its supervisor. Owns no output. */
import type { JsonEvent } from '../output.ts';

export interface ChainStatus {
  height: number;
  /** Time from a block's proposal to its commit, as its node measured it. */
  finalityMs: number;
  peers: number;
}

export interface WorkerProgress {
  samplesPerSecond: number;
  /** Training round whose share it has trained last. */
  round: number;
}

/** A block that carries a proof of useful work. */
export interface WorkBlock {
  height: number;
  jobId: string;
  worker: string;
  segment: number;
  drawHeight: number;
  rank: number;
}

export interface DevnetState {
  /** What the supervisor itself is doing. */
  phase: string;
  processes: Readonly<Record<string, 'starting' | 'running' | 'ended'>>;
  chain: ChainStatus | undefined;
  /** In chain order. */
  workBlocks: readonly WorkBlock[];
  job: { id: string; state: string; round: number; rounds: number } | undefined;
  /** Mean loss of each fixed training round, in order. */
  losses: readonly number[];
  /** Share right of each measured training round's state, on digits that the client knows. */
  accuracies: readonly number[];
  workers: Readonly<Record<string, WorkerProgress>>;
  /** Wei by account (lower case). */
  credits: Readonly<Record<string, bigint>>;
  /** Latest notable lines. */
  lines: readonly string[];
}

export type Update =
  | { type: 'phase'; text: string }
  | { type: 'process'; name: string; state: 'starting' | 'running' | 'ended' }
  | { type: 'chain'; status: ChainStatus }
  | { type: 'work'; block: WorkBlock }
  | { type: 'job'; event: JsonEvent }
  | { type: 'rounds'; rounds: number }
  | { type: 'accuracy'; value: number }
  | { type: 'worker'; name: string; progress: WorkerProgress }
  | { type: 'chaos'; event: JsonEvent; text: string }
  | { type: 'line'; text: string };

export const initialState: DevnetState = {
  phase: 'starting',
  processes: {},
  chain: undefined,
  workBlocks: [],
  job: undefined,
  losses: [],
  accuracies: [],
  workers: {},
  credits: {},
  lines: [],
};

const KEPT_LINES = 6;

export function reduce(state: DevnetState, update: Update): DevnetState {
  switch (update.type) {
    case 'phase':
      return { ...state, phase: update.text };
    case 'process':
      return { ...state, processes: { ...state.processes, [update.name]: update.state } };
    case 'chain':
      return { ...state, chain: update.status };
    case 'work':
      return { ...state, workBlocks: [...state.workBlocks, update.block] };
    case 'rounds':
      return { ...state, job: { id: '', state: 'posting', round: 0, rounds: update.rounds } };
    case 'accuracy':
      return { ...state, accuracies: [...state.accuracies, update.value] };
    case 'worker':
      return { ...state, workers: { ...state.workers, [update.name]: update.progress } };
    case 'chaos':
    case 'line':
      return { ...state, lines: [...state.lines, update.text].slice(-KEPT_LINES) };
    case 'job':
      return state.job ? withJobEvent(state, state.job, update.event) : state;
  }
}

function withJobEvent(
  state: DevnetState,
  before: NonNullable<DevnetState['job']>,
  event: JsonEvent,
): DevnetState {
  const job = { ...before, id: String(event.id ?? before.id) };
  switch (event.name) {
    case 'JobPosted':
      return { ...state, job: { ...job, state: 'Open' } };
    case 'TrainingStarted':
      return { ...state, job: { ...job, state: 'Training' } };
    case 'RoundCommitted':
      return {
        ...state,
        job: { ...job, round: Number(event.round) + 1 },
        losses: [...state.losses, Number(event.loss)],
      };
    case 'ResultSubmitted':
      return { ...state, job: { ...job, state: 'Evaluating' } };
    case 'JobSettled':
      return { ...state, job: { ...job, state: String(event.state) } };
    case 'Credited': {
      const account = String(event.account).toLowerCase();
      const amount = (state.credits[account] ?? 0n) + BigInt(String(event.amount));
      return { ...state, credits: { ...state.credits, [account]: amount } };
    }
    default:
      return { ...state, job };
  }
}
