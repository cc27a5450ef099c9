/** The demo job: a small convolutional net on the demo digits, its pay, and deadlines that fit blocks of a second. */
import type { JobDocument } from '../../job/index.ts';

const TRAIN = 10n ** 18n;

/** In blocks, of about a second. Each is several times what two busy cores need; a phase ends as soon as all have acted. */
const DEADLINES: JobDocument['deadlines'] = {
  volunteerBlocks: 10,
  roundBlocks: 120,
  resultBlocks: 60,
  keyBlocks: 60,
  commitBlocks: 90,
  revealBlocks: 60,
};
/** A worker that has not sent its end state by then is left out of the training round. */
const ROUND_TIMEOUT_MS = 60_000;

export interface DemoJobInput {
  data: JobDocument['data'];
  workers: number;
  evaluators: number;
}

/** Complete and ready to post. */
export async function demoJob({ data, workers, evaluators }: DemoJobInput): Promise<JobDocument> {
  const { demoModel, demoRecipe, demoTraining } = await import('../../job/index.ts');
  return {
    format: 'fedai-job/1',
    name: 'demo digits',
    model: demoModel,
    recipe: demoRecipe,
    data,
    training: { ...demoTraining, workers },
    evaluators,
    targetScorePpm: 0,
    minimumBands: 0,
    roundTimeoutMs: ROUND_TIMEOUT_MS,
    deadlines: DEADLINES,
    reward: (100n * TRAIN).toString(),
    // What the court of a devnet asks for a slot's pay of 30 TRAIN, and some.
    workerStake: (70n * TRAIN).toString(),
  };
}
