/** One local training run from document and data to model files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { FedaiError, toHex, uintBytes, utf8 } from '../../core/index.ts';
import {
  createEngine,
  decodeModel,
  type Engine,
  encodeModel,
  exportOnnx,
  type KernelName,
  type Model,
  modelHash,
  momentsOf,
  type TrainState,
  toFloatSafetensors,
  weightsFromSafetensors,
} from '../../engine/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import { readSource, type Sets } from '../source.ts';
import { curveSvg } from './chart.ts';
import { readTrainDocument, type TrainDocument } from './document.ts';
import { type CurvePoint, openRunFolder, type RunFolder } from './folder.ts';
import { runSeed, stepsPerEpoch, trainLocally } from './loop.ts';

export interface TrainOptions {
  readonly document: string;
  readonly data: string;
  readonly out: string;
  readonly resume?: boolean;
  readonly epochs?: number;
  readonly steps?: number;
  readonly seed: number;
  readonly kernel: 'auto' | KernelName;
  readonly start?: string;
  readonly checkpointSeconds: number;
  readonly size?: { readonly width: number; readonly height: number };
  readonly threads: number;
}

export interface Report {
  started(about: {
    parameters: number;
    samples: number;
    from: number;
    steps: number;
    kernel: string;
    adapter?: string;
    fallbackReason?: string;
  }): void;
  /** The graphics device failed; training goes on without it. */
  deviceLost(reason: string): void;
  point(point: CurvePoint, samplesPerSecond: number): void;
  finished(result: {
    folder: string;
    /** Loss by epoch as one line of bars. */
    curve: string;
    hash: string;
    step: number;
    loss?: number;
    accuracy?: number;
  }): void;
}

export async function trainRun(options: TrainOptions, report: Report, signal: AbortSignal): Promise<void> {
  const document = await readTrainDocument(options.document);
  const { model } = document;
  const records = await readSource(options.data, {
    scratch: options.out,
    shape: model.document.input,
    ...(options.size && { size: options.size }),
  });
  try {
    await trainOn(records, document, options, report, signal);
  } finally {
    for (const set of [records.train, records.test]) await set.close();
  }
}

async function trainOn(
  records: Sets,
  document: TrainDocument,
  options: TrainOptions,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const { model, recipe } = document;
  checkFits(document, records.train);
  const engine = await createEngine({
    kernel: options.kernel,
    threads: options.threads,
    fastestFor: { model, recipe },
    onDeviceLost: ({ message }) => report.deviceLost(message),
  });
  const steps =
    options.steps ??
    (options.epochs ?? document.epochs ?? 1) * stepsPerEpoch(records.train.count, recipe.batchSize);
  const first = await firstState(engine, document, options);
  const folder = await openRunFolder(
    options.out,
    model,
    identityOf(document, options, records.train, first),
    options.resume ?? false,
    momentsOf(recipe),
  );
  const start = folder.state ?? first;
  const curve = [...folder.curve];
  report.started({
    parameters: model.parameters,
    samples: records.train.count,
    from: start.counter,
    steps,
    kernel: engine.kernel,
    ...(engine.adapter !== undefined && { adapter: engine.adapter }),
    ...(engine.fallbackReason !== undefined && { fallbackReason: engine.fallbackReason }),
  });
  const end = await trainLocally({
    engine,
    model,
    recipe,
    data: records.train,
    test: records.test.count > 0 ? records.test : undefined,
    seed: options.seed,
    steps,
    start,
    checkpointMs: options.checkpointSeconds * 1000,
    signal,
    save: (state, points) => folder.save(state, points),
    onPoint(point, rate) {
      curve.push(point);
      report.point(point, rate);
    },
  });
  await finish(document, folder, options.out, end, curve, report);
}

async function firstState(
  engine: Engine,
  { model, recipe, weights }: TrainDocument,
  options: TrainOptions,
): Promise<TrainState> {
  const state = engine.initialState(model, runSeed(options.seed), momentsOf(recipe));
  if (options.start !== undefined) return { ...state, weights: await startWeights(model, options.start) };
  return weights ? { ...state, weights } : state;
}

/** Exact weights as we write them, or floats of another tool. */
async function startWeights(model: Model, path: string): Promise<Int32Array[]> {
  const bytes = Uint8Array.from(await readFile(path));
  try {
    return decodeModel(bytes).weights;
  } catch (error) {
    if (!(error instanceof FedaiError && error.code === 'BAD_MODEL_FILE')) throw error;
    return weightsFromSafetensors(model, bytes);
  }
}

function identityOf(
  { model, recipe, weights }: TrainDocument,
  options: TrainOptions,
  train: RecordSet,
  first: TrainState,
) {
  return {
    format: 'fedai-run/1',
    model: model.document,
    recipe,
    seed: options.seed,
    data: digestOf(train),
    start: options.start === undefined && !weights ? null : toHex(modelHash(model, first.weights)),
  } as const;
}

/** Records hashed at a time. */
const DIGEST_RECORDS = 4_096;

/** SHA-256 of the number of records, all inputs and all labels. */
function digestOf(train: RecordSet): string {
  const hash = createHash('sha256').update(uintBytes(train.count, 8));
  const labels = new Uint8Array(train.count);
  const size = train.shape.reduce((product, side) => product * side, 1);
  for (let first = 0; first < train.count; first += DIGEST_RECORDS) {
    const many = Math.min(DIGEST_RECORDS, train.count - first);
    const bytes = train.range(first, many);
    for (let i = 0; i < many; i++) {
      hash.update(bytes.subarray(i * (size + 1), i * (size + 1) + size));
      labels[first + i] = bytes[i * (size + 1) + size]!;
    }
  }
  return toHex(hash.update(labels).digest());
}

function checkFits({ model }: TrainDocument, { shape, classes }: RecordSet): void {
  const size = shape.reduce((product, side) => product * side, 1);
  if (size === model.inputSize && classes <= model.classes) return;
  throw new FedaiError(
    'DATA_MISMATCH',
    'the data set does not fit the model',
    { got: { shape, classes }, expected: { shape: model.document.input, classes: model.classes } },
    { remedy: 'give the model the input shape and classes of the data set' },
  );
}

async function finish(
  { model }: TrainDocument,
  folder: RunFolder,
  path: string,
  end: TrainState,
  curve: readonly CurvePoint[],
  report: Report,
): Promise<void> {
  await folder.write('model.safetensors', encodeModel(model, end.weights));
  await folder.write('model.f32.safetensors', toFloatSafetensors(model, end.weights));
  if (curve.length > 0) await folder.write('curve.svg', utf8(curveSvg(curve)));
  const onnx = onnxOf(model, end.weights);
  if (onnx) await folder.write('model.onnx', onnx);
  const { loss, accuracy } = curve.at(-1) ?? {};
  report.finished({
    folder: path,
    curve: bars(curve.map((point) => point.loss)),
    hash: toHex(modelHash(model, end.weights)),
    step: end.counter,
    ...(loss !== undefined && { loss }),
    ...(accuracy !== undefined && { accuracy }),
  });
}

/** Undefined where a layer has no operator in ONNX that we write. */
function onnxOf(model: Model, weights: readonly Int32Array[]): Uint8Array | undefined {
  try {
    return exportOnnx(model, weights);
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'UNSUPPORTED_ONNX') return undefined;
    throw error;
  }
}

const BARS = '▁▂▃▄▅▆▇█';
/** At most this wide: longer curves are thinned. */
const WIDTH = 60;

function bars(values: readonly number[]): string {
  const stride = Math.ceil(values.length / WIDTH);
  const shown = values.filter((_, i) => i % stride === 0 || i === values.length - 1);
  const high = Math.max(...shown, 1e-9);
  return shown.map((value) => BARS[Math.min(7, Math.floor((8 * value) / high))]).join('');
}
