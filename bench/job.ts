/** The price of trust: wall clock of the demo job through a whole devnet, against the same steps in one plain process. */
import { utf8 } from '../core/index.ts';
import { createEngine, parseModel, parseRecipe } from '../engine/index.ts';
import { allContributors, arrayData, demoModel, demoRecipe, demoTraining, replayJob } from '../job/index.ts';
import { runDevnet, type Seen, timeOf } from './devnet.ts';
import type { Bench, Figures } from './main.ts';

/** Seconds of one process for every step of every worker of the demo job, on random digits of the same shape. */
async function plainSeconds(): Promise<number> {
  const engine = await createEngine();
  const model = parseModel(demoModel);
  const count = 8_000;
  const data = arrayData(
    Uint8Array.from({ length: count * model.inputSize }, (_, i) => (i * 2_654_435_761) >>> 24),
    Uint8Array.from({ length: count }, (_, i) => i % 10),
  );
  const job = {
    document: { training: demoTraining },
    model,
    recipe: parseRecipe(demoRecipe, model),
  } as Parameters<typeof allContributors>[0];
  const started = performance.now();
  await replayJob({
    engine,
    job,
    data,
    seed: { seed: utf8('bench'.padEnd(32)), jobId: 1n },
    contributors: allContributors(job),
  });
  return (performance.now() - started) / 1000;
}

export function finality(seen: readonly Seen[]): Figures {
  const times = seen
    .filter(({ event }) => event.event === 'chain' && typeof event.finalityMs === 'number')
    .map(({ event }) => Number(event.finalityMs))
    .sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? null;
  return { p50Ms: at(0.5), p95Ms: at(0.95), blocks: times.length };
}

export const bench: Bench = async (report) => {
  const plain = await plainSeconds();
  report(`plain training of the same steps in one process: ${plain.toFixed(1)} s`);
  const { seen, code } = await runDevnet(report);
  const done = seen.at(-1)?.event as { event?: string; wallSeconds?: number; job?: Figures } | undefined;
  if (code !== 0 || done?.event !== 'done')
    throw new Error(`the devnet did not complete (exit code ${code})`);
  const training = timeOf(seen, 'RoundCommitted') - timeOf(seen, 'TrainingStarted');
  const settled = timeOf(seen, 'JobSettled') - timeOf(seen, 'JobPosted');
  return {
    wallSeconds: done.wallSeconds!,
    jobSeconds: settled,
    trainingSeconds: training,
    plainTrainingSeconds: plain,
    trainingToPlain: training / plain,
    wallToPlain: done.wallSeconds! / plain,
    accuracy: done.job!.accuracy!,
    verified: done.job!.verified!,
    finality: finality(seen),
  };
};
