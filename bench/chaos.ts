/** What failures cost: the demo job through a devnet whose processes are killed and revived all the while. */
import { runDevnet, type Seen } from './devnet.ts';
import type { Bench } from './main.ts';

const SHARE = '0.3';

interface Times {
  count: number;
  median: number | null;
  most: number | null;
}

interface Done {
  job: { state: string; accuracy: number; verified: boolean };
  wallSeconds: number;
  chaos: {
    kills: number;
    payoutExact: boolean;
    roundsLost: number;
    recoverySeconds: Record<'validators' | 'workers' | 'evaluators', Times>;
  };
}

/** Median seconds between two fixed training rounds. */
function roundSeconds(seen: readonly Seen[]): number | null {
  const at = seen
    .filter(({ event }) => ['TrainingStarted', 'RoundCommitted'].includes(String(event.name)))
    .map((one) => one.at);
  const lengths = at.slice(1).map((time, i) => time - at[i]!);
  return lengths.sort((a, b) => a - b)[lengths.length >> 1] ?? null;
}

/** `args`: options of `fedai devnet`, such as `--seed 2`. */
export const bench: Bench = async (report, args) => {
  const { seen, code } = await runDevnet(report, ['--chaos', SHARE, ...args]);
  const done = seen.at(-1)?.event as unknown as Done & { event?: string };
  if (done?.event !== 'done') throw new Error(`the devnet did not come to a verdict (exit code ${code})`);
  const { validators, workers, evaluators } = done.chaos.recoverySeconds;
  return {
    completed: done.job.state === 'Completed' && done.job.verified,
    payoutExact: done.chaos.payoutExact,
    workerRecoverySeconds: workers.median,
    workerRecoveryMostSeconds: workers.most,
    validatorRecoverySeconds: validators.median,
    validatorRecoveryMostSeconds: validators.most,
    evaluatorRecoverySeconds: evaluators.median,
    roundSeconds: roundSeconds(seen),
    roundsLost: done.chaos.roundsLost,
    kills: done.chaos.kills,
    accuracy: done.job.accuracy,
    wallSeconds: done.wallSeconds,
  };
};
