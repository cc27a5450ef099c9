/** The loop of local training: steps on seeded batches, a point of the curve and a checkpoint now and then. Owns no file formats. */
import { setImmediate } from 'node:timers/promises';
import { sha256, utf8 } from '../../core/index.ts';
import type { Engine, Model, TrainingRecipe, TrainState } from '../../engine/index.ts';
import { type BatchPlan, createBatchPlan, scoreModel, type TrainingData } from '../../job/index.ts';
import type { CurvePoint } from './folder.ts';

const Q16 = 65_536;

export interface Run {
  readonly engine: Engine;
  readonly model: Model;
  readonly recipe: TrainingRecipe;
  readonly data: TrainingData;
  /** Samples held back, to measure accuracy on; undefined when there are none. */
  readonly test: { inputs: Uint8Array; labels: Uint8Array } | undefined;
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
    sum += trainer.step(await data.read(batches({ round: 0, slot: 0, step })));
    since++;
    const done = step + 1;
    if (done % perEpoch === 0 || done === steps) {
      const seconds = (performance.now() - pointMs) / 1000;
      const accuracy = run.test && accuracyOf(run, trainer.export());
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

function accuracyOf({ engine, model, test }: Run, state: TrainState): number {
  const { correct, total } = scoreModel(engine, model, state.weights, test!);
  return correct / total;
}
