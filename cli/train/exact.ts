/** A local run by the exact engine: the bits that the network would train. */
import { readFile } from 'node:fs/promises';
import { FedaiError, toHex, utf8 } from '../../core/index.ts';
import {
  createEngine,
  decodeModel,
  decodeState,
  type Engine,
  encodeModel,
  encodeState,
  exportOnnx,
  type Model,
  modelHash,
  momentsOf,
  type TrainingRecipe,
  type TrainState,
  toFloatSafetensors,
  weightsFromSafetensors,
} from '../../engine/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import { curveSvg } from './chart.ts';
import type { ExactDocument } from './document.ts';
import { type CurvePoint, openRunFolder, type RunFolder } from './folder.ts';
import { runSeed, type Trainee, trainLocally } from './loop.ts';
import { checkFits, type Report, type RunOf, stepsOf, type TrainOptions } from './run.ts';
import { bars, digestOf } from './summary.ts';

const Q16 = 65_536;

export async function trainExactly(run: RunOf<ExactDocument>): Promise<void> {
  const { records, document, options, report, signal } = run;
  const { model, recipe } = document;
  const { train, test } = records;
  checkFits({ shape: model.document.input, size: model.inputSize, classes: model.classes }, train);
  const engine = await createEngine({
    kernel: options.kernel,
    threads: options.threads,
    fastestFor: { model, recipe },
    onDeviceLost: ({ message }) => report.deviceLost(message),
  });
  const steps = stepsOf(options, document, train, recipe.batchSize);
  const first = await firstState(engine, document, options);
  const identity = identityOf(document, options, train, first);
  const folder = await openRunFolder(options.out, identity, options.resume ?? false, {
    decode: (bytes) => decodeState(model, bytes, momentsOf(recipe)),
    encode: encodeState,
  });
  const start = folder.state ?? first;
  const curve = [...folder.curve];
  report.started({
    engine: 'exact',
    attested: 'exact',
    parameters: model.parameters,
    samples: train.count,
    from: start.counter,
    steps,
    kernel: engine.kernel,
    ...(engine.adapter !== undefined && { adapter: engine.adapter }),
    ...(engine.fallbackReason !== undefined && { fallbackReason: engine.fallbackReason }),
  });
  const end = await trainLocally({
    trainee: traineeOf(engine, model, recipe, start),
    batchSize: recipe.batchSize,
    data: train,
    test: test.count > 0 ? test : undefined,
    seed: options.seed,
    steps,
    checkpointMs: options.checkpointSeconds * 1000,
    signal,
    save: (state, points) => folder.save(state, points),
    onPoint(point, rate) {
      curve.push(point);
      report.point(point, rate);
    },
  });
  await finish(document, folder, end, curve, report);
}

function traineeOf(
  engine: Engine,
  model: Model,
  recipe: TrainingRecipe,
  start: TrainState,
): Trainee<TrainState> {
  const trainer = engine.trainer(model, recipe, start);
  // Samples are classified in chunks between two steps: their state is copied once.
  let state: TrainState | undefined;
  return {
    from: start.counter,
    step(batch) {
      state = undefined;
      return trainer.step(batch) / Q16;
    },
    state: () => trainer.export(),
    classify(inputs, count) {
      state ??= trainer.export();
      return engine.predict(model, state.weights, inputs, count).classes;
    },
  };
}

async function firstState(
  engine: Engine,
  { model, recipe, weights }: ExactDocument,
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
  { model, recipe, weights }: ExactDocument,
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

async function finish(
  { model }: ExactDocument,
  folder: RunFolder<TrainState>,
  end: TrainState,
  curve: readonly CurvePoint[],
  report: Report,
): Promise<void> {
  const file = await folder.write('model.safetensors', encodeModel(model, end.weights));
  await folder.write('model.f32.safetensors', toFloatSafetensors(model, end.weights));
  if (curve.length > 0) await folder.write('curve.svg', utf8(curveSvg(curve)));
  const onnx = onnxOf(model, end.weights);
  if (onnx) await folder.write('model.onnx', onnx);
  const { loss, accuracy } = curve.at(-1) ?? {};
  report.finished({
    file,
    attested: 'exact',
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
