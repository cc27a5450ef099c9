/** Training speed of the exact engine: samples/s by model, numeric format and threads, beside PyTorch f32 on the same layers in the same run. */
import { seededRandom, utf8 } from '../core/index.ts';
import {
  type Batch,
  createEngine,
  type Engine,
  type Model,
  momentsOf,
  type NumericFormat,
  numericFormats,
  parseModel,
  parseRecipe,
  type Trainer,
} from '../engine/index.ts';
import type { Bench, Figures } from './main.ts';
import { BENCH_MODELS, type BenchModel } from './models.ts';
import { findTorch, type Speed, type TorchPeer } from './peers/torch.ts';

/** Machines are shared: sides alternate in short slices, and each keeps its best one, the least disturbed. */
const SLICE_SECONDS = 0.4;
const SLICES = 12;
const THREADS = [1, 2] as const;

/** `bfp12` of `bfp12@1`: keys of figures carry no version. */
const keyOf = (numeric: NumericFormat): string => numeric.split('@')[0]!;

function randomBatch(model: Model, batchSize: number): Batch {
  const random = seededRandom(utf8('bench batch'));
  const inputs = model.positions > 1 ? model.classes : 256;
  return {
    inputs: Uint8Array.from({ length: batchSize * model.inputSize }, () => random.below(inputs)),
    labels: Uint8Array.from({ length: batchSize }, () => random.below(model.classes)),
  };
}

interface Side {
  readonly trainer: Trainer;
  readonly batch: Batch;
}

function createSide(engine: Engine, { document, recipe }: BenchModel, numeric: NumericFormat): Side {
  const model = parseModel({ ...document, numeric });
  const checked = parseRecipe(recipe, model);
  const moments = momentsOf(checked);
  const trainer = engine.trainer(model, checked, engine.initialState(model, utf8('bench'), moments));
  return { trainer, batch: randomBatch(model, checked.batchSize) };
}

function exactSpeed({ trainer, batch }: Side): Speed {
  for (let i = 0; i < 2; i++) trainer.step(batch);
  const [started, cpu] = [performance.now(), process.threadCpuUsage()];
  let steps = 0;
  while (performance.now() - started < SLICE_SECONDS * 1000) {
    trainer.step(batch);
    steps++;
  }
  const { user, system } = process.threadCpuUsage(cpu);
  const samples = steps * batch.labels.length;
  return {
    perSecond: (samples * 1000) / (performance.now() - started),
    perThreadSecond: (samples * 1e6) / (user + system),
  };
}

const better = (a: Speed | undefined, b: Speed): Speed => ({
  perSecond: Math.max(a?.perSecond ?? 0, b.perSecond),
  perThreadSecond: Math.max(a?.perThreadSecond ?? 0, b.perThreadSecond),
});

/**
 * Ratios to PyTorch at `threads`. At one thread also by the processor time of the thread that trains, for machines on which
 * others work: no side has another thread then.
 */
function ratios(threads: number, speed: Speed, peer: Speed | undefined): Figures {
  const ratio = (key: keyof Speed): number | null => (peer ? speed[key] / peer[key] : null);
  return {
    [`t${threads}`]: ratio('perSecond'),
    ...(threads === 1 ? { t1ByThreadTime: ratio('perThreadSecond') } : {}),
    [`t${threads}SamplesPerSecond`]: speed.perSecond,
  };
}

/** Best slice of each format and of PyTorch (null without it), all sides taking turns. */
async function measure(
  bench: BenchModel,
  engine: Engine,
  torch: TorchPeer | undefined,
): Promise<{ exact: Speed[]; peer: Speed | undefined }> {
  const sides = numericFormats.map((numeric) => createSide(engine, bench, numeric));
  const exact: Speed[] = [];
  let peer: Speed | undefined;
  for (let slice = 0; slice < SLICES; slice++) {
    const speed = await torch?.speed(bench.document, bench.recipe, SLICE_SECONDS);
    if (speed) peer = better(peer, speed);
    sides.forEach((side, i) => {
      exact[i] = better(exact[i], exactSpeed(side));
    });
  }
  return { exact, peer };
}

async function benchModel(model: BenchModel, startTorch: ReturnType<typeof findTorch>): Promise<Figures> {
  const figures: Record<string, Figures> = { torch: {} };
  for (const threads of THREADS) {
    const engine = await createEngine({ threads });
    const torch = startTorch?.(threads);
    const { exact, peer } = await measure(model, engine, torch);
    torch?.close();
    figures.torch = { ...figures.torch, [`t${threads}SamplesPerSecond`]: peer?.perSecond ?? null };
    numericFormats.forEach((numeric, i) => {
      const key = keyOf(numeric);
      figures[key] = { ...figures[key], ...ratios(threads, exact[i]!, peer) };
    });
  }
  return figures;
}

/** `--only NAMES`, separated by commas, takes some of the models. */
function chosen(args: readonly string[]): [string, BenchModel][] {
  const at = args.indexOf('--only');
  const names = at < 0 ? undefined : args[at + 1]?.split(',');
  return Object.entries(BENCH_MODELS).filter(([name]) => names === undefined || names.includes(name));
}

export const bench: Bench = async (report, args) => {
  const torch = findTorch();
  if (!torch) report('PyTorch is not installed here: ratios are null');
  const figures: Figures = { kernel: (await createEngine()).kernel };
  for (const [name, model] of chosen(args)) {
    figures[name] = await benchModel(model, torch);
    report(`${name}: ${JSON.stringify(figures[name])}`);
  }
  return figures;
};
