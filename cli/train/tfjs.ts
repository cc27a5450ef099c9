/** A local run by TensorFlow.js, for documents that the exact engine does not cover: quality-attested, not to be re-executed bit for bit. */
import { readFile } from 'node:fs/promises';
import { FedaiError, sha256, toHex, utf8 } from '../../core/index.ts';
import {
  encodeFloats,
  floatBytes,
  type Named,
  openTraining,
  type TfjsSession,
  type Training,
} from '../../engine/tfjs/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import { curveSvg } from './chart.ts';
import type { FloatDocument } from './document.ts';
import { type CurvePoint, openRunFolder, type RunFolder } from './folder.ts';
import { type Trainee, trainLocally } from './loop.ts';
import { checkFits, type RunOf, stepsOf, type TrainOptions } from './run.ts';
import { bars, digestOf } from './summary.ts';

/** A checkpoint as a file; what is in it the engine knows. */
interface Saved {
  readonly counter: number;
  readonly bytes: Uint8Array;
}

export async function trainInFloats(run: RunOf<FloatDocument>): Promise<void> {
  const { document, options, report } = run;
  report.notExact(document.gaps);
  const training = await open(document, options);
  try {
    await trainOn(training, run);
  } finally {
    training.session.dispose();
  }
}

/** What is not covered is said again where TensorFlow.js is missing: it is the reason to install it. */
async function open({ topology, recipe, gaps }: FloatDocument, options: TrainOptions): Promise<Training> {
  try {
    return await openTraining({ topology, recipe, seed: options.seed, backend: options.backend });
  } catch (error) {
    if (!(error instanceof FedaiError && error.code === 'NO_TFJS') || gaps.length === 0) throw error;
    const { message, data, remedy } = error;
    throw new FedaiError(
      'NO_TFJS',
      `the exact engine does not cover ${gaps.join('; ')}, and of TensorFlow.js ${message}`,
      data,
      { cause: error, ...(remedy && { remedy }) },
    );
  }
}

async function trainOn(training: Training, run: RunOf<FloatDocument>): Promise<void> {
  const { records, document, options, report, signal } = run;
  const { session, backend, adapter, passedOver } = training;
  const { train, test } = records;
  checkFits({ shape: session.inputShape, size: session.inputSize, classes: session.classes }, train);
  const { batchSize } = document.recipe;
  const steps = stepsOf(options, document, train, batchSize);
  const start = options.start === undefined ? undefined : await readFile(options.start);
  if (start) session.start(Uint8Array.from(start));
  let resumedFrom: string | undefined;
  const folder = await openRunFolder<Saved>(
    options.out,
    identityOf(document, options, train, start),
    options.resume ?? false,
    {
      decode(bytes) {
        const { counter, backend: before } = session.restore(bytes);
        if (before !== backend) resumedFrom = before;
        return { counter, bytes };
      },
      encode: ({ bytes }) => bytes,
    },
  );
  const curve = [...folder.curve];
  report.started({
    engine: 'tfjs',
    attested: 'quality',
    parameters: session.parameters,
    samples: train.count,
    from: session.counter,
    steps,
    backend,
    ...(adapter !== undefined && { adapter }),
    ...(passedOver.length > 0 && { passedOver }),
    ...(resumedFrom !== undefined && { resumedFrom }),
  });
  await trainLocally({
    trainee: traineeOf(session, backend),
    batchSize,
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
  await finish(training, run, folder, curve);
}

const traineeOf = (session: TfjsSession, backend: string): Trainee<Saved> => ({
  from: session.counter,
  step: (batch) => session.step(batch),
  state: async () => ({ counter: session.counter, bytes: await session.save(backend) }),
  classify: (inputs, count) => session.classify(inputs, count),
});

const identityOf = (
  { topology, written }: FloatDocument,
  options: TrainOptions,
  train: RecordSet,
  start: Uint8Array | undefined,
) =>
  ({
    format: 'fedai-run/1',
    engine: 'tfjs',
    model: topology.plain,
    recipe: written,
    seed: options.seed,
    data: digestOf(train),
    start: start ? toHex(sha256(start)) : null,
  }) as const;

/** As `tf.loadLayersModel` reads it, with the weights in a file beside it. */
const WEIGHTS_FILE = 'weights.bin';

function modelJson({ topology }: FloatDocument, backend: string, weights: readonly Named[]): Uint8Array {
  const json = {
    format: 'layers-model',
    generatedBy: 'fedai',
    modelTopology: topology.plain,
    weightsManifest: [
      {
        paths: [WEIGHTS_FILE],
        weights: weights.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
    userDefinedMetadata: { attested: 'quality', engine: 'tfjs', backend },
  };
  return utf8(`${JSON.stringify(json)}\n`);
}

async function finish(
  { session, backend }: Training,
  { document, report }: RunOf<FloatDocument>,
  folder: RunFolder<Saved>,
  curve: readonly CurvePoint[],
): Promise<void> {
  const weights = await session.weights();
  const bytes = encodeFloats({ attested: 'quality', engine: 'tfjs', backend, format: 'pt' }, weights);
  const file = await folder.write('model.f32.safetensors', bytes);
  await folder.write(WEIGHTS_FILE, floatBytes(weights));
  await folder.write('model.json', modelJson(document, backend, weights));
  if (curve.length > 0) await folder.write('curve.svg', utf8(curveSvg(curve)));
  const { loss, accuracy } = curve.at(-1) ?? {};
  report.finished({
    file,
    attested: 'quality',
    curve: bars(curve.map((point) => point.loss)),
    hash: toHex(sha256(bytes)),
    step: session.counter,
    ...(loss !== undefined && { loss }),
    ...(accuracy !== undefined && { accuracy }),
  });
}
