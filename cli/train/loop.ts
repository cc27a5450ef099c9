/** The loop of local training: steps on seeded batches, a point of the curve and a checkpoint now and then. Owns no file formats. */
import { setImmediate } from 'node:timers/promises';
import { sha256, utf8 } from '../../core/index.ts';
import type { Engine, Model, TrainingRecipe, TrainState } from '../../engine/index.ts';
import { type BatchPlan, createBatchPlan } from '../../job/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import type { CurvePoint } from './folder.ts';

const Q16 = 65_536;

export interface Run {
  readonly engine: Engine;
  readonly model: Model;
  readonly recipe: TrainingRecipe;
  readonly data: RecordSet;
  /** Samples held back, to measure accuracy on; undefined when there are none. */
  readonly test: RecordSet | undefined;
  readonly seed: number;
  readonly steps: number;
  readonly start: TrainState;
  readonly checkpointMs: number;
  readonly signal: AbortSignal;
  /** A checkpoint; `points` are new since the one before. */
  save(state: TrainState, points: readonly CurvePoint[]): Promise<void>;
  onPoint(point: CurvePoint, samplesPerSecond: number): void;
}

/** The seed of first weights and batches of a local run. */
export const runSeed = (seed: number): Uint8Array => sha256(utf8(`fedai-train/1 ${seed}`));

export const stepsPerEpoch = (count: number, batchSize: number): number =>
  Math.max(1, Math.ceil(count / batchSize));

function batchesOf({ data, recipe, seed, steps }: Run): BatchPlan {
  return createBatchPlan({
    seed: runSeed(seed),
    jobId: 0n,
    count: data.count,
    workers: 1,
    stepsPerRound: steps,
    batchSize: recipe.batchSize,
  });
}

/** Runs to `steps`; resolves to the end state. When the signal aborts, saves first and then throws its reason. */
export async function trainLocally(run: Run): Promise<TrainState> {
  const { engine, model, recipe, data, start, steps, signal } = run;
  const batches = batchesOf(run);
  const trainer = engine.trainer(model, recipe, start);
  const perEpoch = stepsPerEpoch(data.count, recipe.batchSize);
  let points: CurvePoint[] = [];
  let sum = 0;
  let since = 0;
  let pointMs = performance.now();
  let savedMs = pointMs;
  const save = async (): Promise<void> => {
    await run.save(trainer.export(), points);
    points = [];
    savedMs = performance.now();
  };
  for (let step = start.counter; step < steps; step++) {
    // The loop is synchronous otherwise: a signal is heard only between turns.
    if (since % 16 === 0) await setImmediate();
    if (signal.aborted) {
      await save();
      signal.throwIfAborted();
    }
    sum += trainer.step(data.read(batches({ round: 0, slot: 0, step })));
    since++;
    const done = step + 1;
    if (done % perEpoch === 0 || done === steps) {
      const seconds = (performance.now() - pointMs) / 1000;
      const accuracy = run.test && accuracyOf(run, run.test, trainer.export());
      const point = {
        step: done,
        epoch: done / perEpoch,
        loss: sum / since / Q16,
        ...(accuracy !== undefined && { accuracy }),
      };
      points.push(point);
      run.onPoint(point, (since * recipe.batchSize) / seconds);
      await save();
      [sum, since, pointMs] = [0, 0, performance.now()];
    } else if (performance.now() - savedMs > run.checkpointMs) await save();
  }
  return trainer.export();
}

/** Samples predicted at a time. */
const CHUNK_SAMPLES = 256;

function accuracyOf({ engine, model }: Run, test: RecordSet, state: TrainState): number {
  let correct = 0;
  for (let first = 0; first < test.count; first += CHUNK_SAMPLES) {
    const count = Math.min(CHUNK_SAMPLES, test.count - first);
    const { inputs, labels } = test.read(Array.from({ length: count }, (_, i) => first + i));
    const { classes } = engine.predict(model, state.weights, inputs, count);
    correct += labels.reduce((right, label, i) => right + (classes[i] === label ? 1 : 0), 0);
  }
  return correct / test.count;
}
