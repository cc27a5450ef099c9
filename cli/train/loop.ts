/** The loop of local training: steps on seeded batches, a point of the curve and a checkpoint now and then. Owns no file formats and no engine. */
import { setImmediate } from 'node:timers/promises';
import { sha256, utf8 } from '../../core/index.ts';
import type { Batch } from '../../engine/index.ts';
import { type BatchPlan, createBatchPlan } from '../../job/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import type { CurvePoint } from './folder.ts';

/** What trains: an engine with a model, between steps. */
export interface Trainee<State> {
  /** Finished steps at the beginning. */
  readonly from: number;
  /** Mean loss of the batch in nats. */
  step(batch: Batch): number | Promise<number>;
  state(): State | Promise<State>;
  /** Class of each sample; undefined where the loss knows no classes. */
  classify(inputs: Uint8Array, count: number): Classes | Promise<Classes>;
}

type Classes = ArrayLike<number> | undefined;

export interface Run<State> {
  readonly trainee: Trainee<State>;
  readonly batchSize: number;
  readonly data: RecordSet;
  /** Samples held back, to measure accuracy on; undefined when there are none. */
  readonly test: RecordSet | undefined;
  readonly seed: number;
  readonly steps: number;
  readonly checkpointMs: number;
  readonly signal: AbortSignal;
  /** A checkpoint; `points` are new since the one before. */
  save(state: State, points: readonly CurvePoint[]): Promise<void>;
  onPoint(point: CurvePoint, samplesPerSecond: number): void;
}

/** The seed of first weights and batches of a local run. */
export const runSeed = (seed: number): Uint8Array => sha256(utf8(`fedai-train/1 ${seed}`));

export const stepsPerEpoch = (count: number, batchSize: number): number =>
  Math.max(1, Math.ceil(count / batchSize));

function batchesOf<State>({ data, batchSize, seed, steps }: Run<State>): BatchPlan {
  return createBatchPlan({
    seed: runSeed(seed),
    jobId: 0n,
    count: data.count,
    workers: 1,
    stepsPerRound: steps,
    batchSize,
  });
}

/** Runs to `steps`; resolves to the end state. When the signal aborts, saves first and then throws its reason. */
export async function trainLocally<State>(run: Run<State>): Promise<State> {
  const { trainee, batchSize, data, steps, signal } = run;
  const batches = batchesOf(run);
  const perEpoch = stepsPerEpoch(data.count, batchSize);
  let points: CurvePoint[] = [];
  let sum = 0;
  let since = 0;
  let pointMs = performance.now();
  let savedMs = pointMs;
  const save = async (): Promise<void> => {
    await run.save(await trainee.state(), points);
    points = [];
    savedMs = performance.now();
  };
  for (let step = trainee.from; step < steps; step++) {
    // Steps of most engines are synchronous: a signal is heard only between turns.
    if (since % 16 === 0) await setImmediate();
    if (signal.aborted) {
      await save();
      signal.throwIfAborted();
    }
    sum += await trainee.step(data.read(batches({ round: 0, slot: 0, step })));
    since++;
    const done = step + 1;
    if (done % perEpoch === 0 || done === steps) {
      const seconds = (performance.now() - pointMs) / 1000;
      const accuracy = run.test && (await accuracyOf(trainee, run.test));
      const point = {
        step: done,
        epoch: done / perEpoch,
        loss: sum / since,
        ...(accuracy !== undefined && { accuracy }),
      };
      points.push(point);
      run.onPoint(point, (since * batchSize) / seconds);
      await save();
      [sum, since, pointMs] = [0, 0, performance.now()];
    } else if (performance.now() - savedMs > run.checkpointMs) await save();
  }
  return trainee.state();
}

/** Samples predicted at a time. */
const CHUNK_SAMPLES = 256;

async function accuracyOf<State>(trainee: Trainee<State>, test: RecordSet): Promise<number | undefined> {
  let correct = 0;
  for (let first = 0; first < test.count; first += CHUNK_SAMPLES) {
    const count = Math.min(CHUNK_SAMPLES, test.count - first);
    const { inputs, labels } = test.read(Array.from({ length: count }, (_, i) => first + i));
    const classes = await trainee.classify(inputs, count);
    if (!classes) return undefined;
    correct += labels.reduce((right, label, i) => right + (classes[i] === label ? 1 : 0), 0);
  }
  return correct / test.count;
}
