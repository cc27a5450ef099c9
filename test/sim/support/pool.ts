/** Spreads a range of seeds over processes. Stops at the first seed that fails. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { addTotals, NOTHING, type Totals } from './range.ts';

export interface Task {
  from: number;
  count: number;
}

export type Answer = { from: number; totals: Totals } | { from: number; failure: string };

export interface Pool {
  readonly totals: Totals;
  /** What the first failing seed did and how to replay it. */
  readonly failure: string | undefined;
  /** All seeds before it have held. */
  resumeAt(): number;
  /** Resolves when all is done or a seed has failed. */
  readonly finished: Promise<void>;
}

/** Small, so that progress is seen and little is lost at a break. */
const SEEDS_PER_TASK = 50;

export const range = ({ from, count }: Task): number[] => Array.from({ length: count }, (_, i) => from + i);

export function startPool(first: number, schedules: number, processes: number): Pool {
  const last = first + schedules - 1;
  const done = new Set<number>();
  let next = first;
  let totals = NOTHING;
  let failure: string | undefined;
  const resumeAt = (): number => {
    let seed = first;
    while (done.has(seed)) seed += SEEDS_PER_TASK;
    return Math.min(seed, last + 1);
  };

  /** Resolves when this process has nothing left to do. */
  const runProcess = (): Promise<void> => {
    const child = fork(join(import.meta.dirname, 'seed-process.ts'), { stdio: 'inherit', execArgv: [] });
    const give = () => {
      if (failure !== undefined || next > last) {
        child.disconnect();
        return;
      }
      const count = Math.min(SEEDS_PER_TASK, last + 1 - next);
      child.send({ from: next, count } satisfies Task);
      next += count;
    };
    child.on('message', (answer: Answer) => {
      if ('failure' in answer) failure ??= answer.failure;
      else {
        done.add(answer.from);
        totals = addTotals(totals, answer.totals);
      }
      give();
    });
    give();
    return new Promise((resolve) => {
      child.on('exit', (code) => {
        if (code !== 0)
          failure ??= `a process ended with code ${code}; seeds from ${resumeAt()} on are not done`;
        resolve();
      });
    });
  };
  const all = Promise.all(Array.from({ length: processes }, runProcess));
  return {
    get totals() {
      return totals;
    },
    get failure() {
      return failure;
    },
    resumeAt,
    finished: all.then(() => undefined),
  };
}
