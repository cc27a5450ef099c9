/** What proofs of useful work cost: beside training, for a validator, and for finality. */
import { fromHex, sha256, toHex, utf8 } from '../core/index.ts';
import { createEngine } from '../engine/index.ts';
import { demoModel, demoRecipe, demoTraining, encodeJob, type JobDocument, parseJob } from '../job/index.ts';
import { decodeBundle, type SegmentClaim, verifyBundle } from '../pouw/index.ts';
import { createMemoryStore, importDataset, openDataset } from '../storage/index.ts';
import { openHasher } from '../worker/hasher.ts';
import { makeBundle, trainTraced } from '../worker/traces.ts';
import { openTrainer } from '../worker/trainer.ts';
import { runDevnet } from './devnet.ts';
import { finality } from './job.ts';
import type { Bench, Figures } from './main.ts';

const RECORDS = 8_000;
const SEED = toHex(sha256(utf8('bench')));
const JOB_ID = 1n;
/** Pairs of a round with its trace and without: neighbours on the machine disturb both alike. */
const PAIRS = 15;
const LIMITS = { maxReplayGas: 10_000_000_000, maxBundleBytes: 32 * 2 ** 20 };
/** A network of the size that the figure is asked for. */
const WORKERS = 100;
const BLOCKS_BETWEEN_DRAWS = 10;
const BLOCK_MS = 1_000;

const cid = `b${'a'.repeat(58)}`;
const documentOf = (manifest: string, segments?: number): JobDocument => ({
  format: 'fedai-job/1',
  name: 'bench',
  model: demoModel,
  recipe: demoRecipe,
  data: { train: { manifest, encrypted: false }, test: { manifest: cid, encrypted: true } },
  training: { ...demoTraining, ...(segments !== undefined && { segments }) },
  evaluators: 3,
  targetScorePpm: 0,
  minimumBands: 0,
  roundTimeoutMs: 60_000,
  deadlines: {
    volunteerBlocks: 1,
    roundBlocks: 1,
    resultBlocks: 1,
    keyBlocks: 1,
    commitBlocks: 1,
    revealBlocks: 1,
  },
  reward: '1',
  workerStake: '0',
});

async function openBench() {
  const content = await createMemoryStore();
  const records = {
    kind: 'records' as const,
    inputs: Uint8Array.from({ length: RECORDS * 784 }, (_, i) => (i * 2_654_435_761) >>> 24),
    labels: Uint8Array.from({ length: RECORDS }, (_, i) => i % 10),
    shape: [28, 28, 1],
    classes: 10,
  };
  const { manifestCid } = await importDataset(content, records, { name: 'bench', licence: 'CC0' });
  const dataset = await openDataset(content, manifestCid);
  return { manifestCid, dataset };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

interface Measured {
  figures: Figures;
  bundle: Uint8Array;
  claim: SegmentClaim;
}

/** Of the segments of the demo's share: any would do. */
const SEGMENT = 2;

/** One share of a training round with a root at every border of a segment, against the same steps with one at the end. */
async function overhead(report: (line: string) => void): Promise<Measured> {
  const { manifestCid, dataset } = await openBench();
  const open = async (segments?: number) => {
    const document = documentOf(manifestCid, segments);
    const job = parseJob(document);
    const trainer = await openTrainer({ document, seed: SEED, jobId: JOB_ID });
    const hasher = openHasher(document.model);
    return { jobId: JOB_ID, slot: 0, workers: [], seed: SEED, job, trainer, hasher, dataset };
  };
  const [traced, plain] = [await open(), await open(1)];
  const { signal } = new AbortController();
  const initial = await traced.trainer.initial();
  const timed = async (assignment: typeof traced) => {
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    const { trace } = await trainTraced(assignment, 0, initial, signal);
    const { user, system } = process.cpuUsage(cpu);
    return { ms: performance.now() - started, cpuMs: (user + system) / 1000, trace };
  };
  const ratios: number[] = [];
  const plainMs: number[] = [];
  const cpuRatios: number[] = [];
  const { trace } = await timed(traced);
  await timed(plain);
  for (let pair = 0; pair < PAIRS; pair++) {
    const first = pair % 2 === 0;
    const a = await timed(first ? traced : plain);
    const b = await timed(first ? plain : traced);
    const [withTrace, without] = first ? [a.ms, b.ms] : [b.ms, a.ms];
    cpuRatios.push(first ? a.cpuMs / b.cpuMs : b.cpuMs / a.cpuMs);
    ratios.push(withTrace / without);
    plainMs.push(without);
    report(`pair ${pair + 1}: ${withTrace.toFixed(0)} ms with a trace, ${without.toFixed(0)} ms without`);
  }
  const bundle = await makeBundle(traced, trace, SEGMENT);
  await Promise.all([traced, plain].flatMap(({ trainer, hasher }) => [trainer.close(), hasher.close()]));
  const segments = trace.roots.length - 1;
  return {
    figures: {
      overhead: median(ratios) - 1,
      // Of all threads, for machines whose time is taken by others.
      overheadByProcessorTime: median(cpuRatios) - 1,
      shareMs: median(plainMs),
      segments,
      bundleBytes: bundle.length,
    },
    bundle,
    claim: {
      jobId: JOB_ID,
      seed: fromHex(SEED, 32),
      documentHash: sha256(encodeJob(traced.job.document)),
      postedAt: 0,
      ...{ round: 0, slot: 0, traceRoot: trace.claim.traceRoot, segments, segment: SEGMENT },
    },
  };
}

/** Milliseconds of one core to check a bundle whole, with the kernel that this machine admits. */
async function verification({ bundle, claim }: Measured): Promise<number> {
  const engine = await createEngine();
  const times: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const started = performance.now();
    const opened = decodeBundle(bundle, LIMITS.maxBundleBytes);
    const verified = verifyBundle(engine, opened, claim, { limits: LIMITS });
    times.push(performance.now() - started);
    if (!verified.ok) throw new Error(`the bundle does not verify: ${verified.check}: ${verified.reason}`);
  }
  return median(times);
}

interface Run {
  p50Ms: number;
  workBlocks: number;
  workVerified: number;
}

async function network(report: (line: string) => void, options: readonly string[]): Promise<Run> {
  const { seen, code } = await runDevnet(report, options);
  const done = seen.at(-1)?.event as { event?: string; workBlocks: number; workVerified: number } | undefined;
  if (code !== 0 || done?.event !== 'done')
    throw new Error(`the devnet did not complete (exit code ${code})`);
  return { ...done, p50Ms: Number(finality(seen).p50Ms) };
}

/** `--offline`: without the two devnets that finality is measured on. */
export const bench: Bench = async (report, args) => {
  const measured = await overhead(report);
  const verifyMs = await verification(measured);
  const workMs = WORKERS * BLOCKS_BETWEEN_DRAWS * BLOCK_MS;
  const figures = { ...measured.figures, verifyMs, verifyRatio: verifyMs / workMs };
  if (args.includes('--offline')) return { ...figures, finalityRatio: null };
  report('a devnet without proofs');
  const without = await network(report, ['--work-interval', '0']);
  report('a devnet with proofs');
  const { p50Ms, workBlocks, workVerified } = await network(report, []);
  return {
    ...figures,
    finalityRatio: p50Ms / without.p50Ms,
    ...{ finalityP50Ms: p50Ms, finalityWithoutP50Ms: without.p50Ms, workBlocks, workVerified },
  };
};
