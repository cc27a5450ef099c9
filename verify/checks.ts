/** The checks that prove what sealed a block, in order; each stands on the ones before. Pure but for the evidence it asks for. */
import { CID } from 'multiformats/cid';
import { equalBytes, FedaiError, fromHex, toHex } from '../core/index.ts';
import type { Engine } from '../engine/index.ts';
import { type HeaderFields, type ValidatorSet, verifyHeader, type WorkSection } from '../light/index.ts';
import {
  type Bundle,
  type CHECKS,
  decodeBundle,
  drawWork,
  type SegmentClaim,
  verifyBundle,
} from '../pouw/index.ts';
import type { ToldProof, ToldTrace, WorkSource } from './source.ts';

export interface WorkCheck {
  name: 'header' | 'work section' | 'draw' | 'bundle' | (typeof CHECKS)[number] | 'model';
  ok: boolean;
  /** What was found, or why it failed. */
  detail: string;
  /** Set when evidence was out of reach rather than wrong. */
  fault?: FedaiError;
}

/** Where a bundle comes from: what it gives must be the bytes that the id names. */
export interface BundleReader {
  getBytes(cid: string, options: { maxBytes: number }): Promise<Uint8Array>;
}

export interface WorkGiven {
  source: WorkSource;
  content: BundleReader;
  engine: Engine;
  height: number;
  /** Told of the checks on the bundle as each passes: they are yielded only when all of them are done. */
  onPassed?: (check: WorkCheck) => void;
  /** Of the chain spec; undefined: whom the RPC names. */
  trusted: { chainId: bigint; validators: ValidatorSet } | undefined;
}

interface Established {
  header: HeaderFields;
  work: WorkSection;
  told: ToldProof;
  bundle: Bundle;
  modelHash: Uint8Array;
}

/** Traces that one draw covers: far more than a day's of any network would be a lie. */
const MAX_TRACES = 100_000;

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new FedaiError('NOT_VERIFIED', otherwise);
}

/** Yields one check after the other and ends after the first that fails. Throws only when `signal` aborts. */
export async function* checkWork(given: WorkGiven, signal: AbortSignal): AsyncGenerator<WorkCheck> {
  const known = {} as Established;
  const steps: readonly [WorkCheck['name'], (given: WorkGiven, known: Established) => Promise<string>][] = [
    ['header', checkHeader],
    ['work section', checkSection],
    ['draw', checkDraw],
    ['bundle', fetchBundle],
  ];
  for (const [name, step] of steps) {
    signal.throwIfAborted();
    const check = await outcomeOf(name, () => step(given, known), signal);
    yield check;
    if (!check.ok) return;
  }
  yield* replayChecks(given, known);
}

async function outcomeOf(
  name: WorkCheck['name'],
  step: () => Promise<string>,
  signal: AbortSignal,
): Promise<WorkCheck> {
  try {
    return { name, ok: true, detail: await step() };
  } catch (error) {
    signal.throwIfAborted();
    const check: WorkCheck = {
      name,
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
    };
    if (error instanceof FedaiError && error.transient) check.fault = error;
    return check;
  }
}

async function checkHeader({ source, trusted, height }: WorkGiven, known: Established): Promise<string> {
  const evidence = await source.header(height);
  const chainId = trusted?.chainId ?? (await source.chainId());
  const set = trusted?.validators ?? (await source.validators(height));
  const checked = verifyHeader({ chainId, set, ...evidence });
  demand(checked.ok, checked.ok ? '' : checked.reason);
  demand(checked.header.number === height, `the RPC gave block ${checked.header.number}`);
  known.header = checked.header;
  if (evidence.section.work !== null) known.work = evidence.section.work;
  const whose = trusted === undefined ? 'validators that the RPC names' : "chain spec's validators";
  return `block ${height} is committed by more than two thirds of the ${set.length} ${whose}`;
}

async function checkSection({ source, height }: WorkGiven, known: Established): Promise<string> {
  demand(known.work !== undefined, `block ${height} carries no proof of work`);
  const told = await source.proof(height);
  demand(told !== null, 'the RPC does not tell what the proof is of');
  const { everyBlocks } = told.limits;
  const { drawHeight } = known.work;
  demand(drawHeight <= height && height < drawHeight + everyBlocks, 'it opens a draw that is over');
  known.told = told;
  const { jobId, segment, rank } = known.work;
  return `the header binds the proof: job ${jobId}, segment ${segment} of a trace of worker ${toHex(known.work.worker)}, rank ${rank} of draw ${drawHeight}`;
}

/** Draws again from the traces that the chain had, by the beacon of the block before the work height. */
async function checkDraw(given: WorkGiven, known: Established): Promise<string> {
  const { source, trusted } = given;
  const { drawHeight, rank, traceRoot, segment, totalWeight } = known.work;
  const before = await source.header(drawHeight - 1);
  const chainId = trusted?.chainId ?? (await source.chainId());
  const set = trusted?.validators ?? (await source.validators(drawHeight - 1));
  const checked = verifyHeader({ chainId, set, ...before });
  demand(checked.ok, checked.ok ? '' : `block ${drawHeight - 1}: ${checked.reason}`);
  const traces = await coveredTraces(source, known.told, totalWeight, drawHeight);
  const drawn = drawWork({
    chainId,
    beacon: checked.header.mixHash,
    traces: traces.map(({ weight, segments, traceRoot: root }) => ({
      weight,
      segments,
      traceRoot: fromHex(root, 32),
    })),
    ranks: known.told.draw.ranks.length,
  });
  const one = drawn[rank];
  demand(one !== undefined, 'the beacon draws fewer traces');
  demand(equalBytes(fromHex(traces[one.index]!.traceRoot), traceRoot), 'the beacon draws another trace');
  demand(one.segment === segment, `the beacon draws segment ${one.segment}, not ${segment}`);
  return `the beacon of block ${drawHeight - 1} draws this segment at rank ${rank} from ${traces.length} traces that burned ${totalWeight} wei, all committed before it was known`;
}

/** The traces that sum to the total weight, with that of the proof among them, in chain order. */
async function coveredTraces(
  source: WorkSource,
  told: ToldProof,
  totalWeight: bigint,
  drawHeight: number,
): Promise<ToldTrace[]> {
  const own = await source.trace(told.traceId);
  demand(own !== null, 'the RPC does not have the trace');
  const traces = [own];
  let sum = own.weight;
  const limit = Math.max(...told.draw.ranks.map(({ trace }) => trace.height));
  demand(limit < drawHeight - 1, 'a trace was committed when its beacon was known');
  for (let id = own.id + 1n; sum < totalWeight && traces.length < MAX_TRACES; id++) {
    const next = await source.trace(id);
    if (next === null || next.height >= drawHeight - 1 || sum + next.weight > totalWeight) break;
    traces.push(next);
    sum += next.weight;
  }
  for (let id = own.id - 1n; sum < totalWeight && id >= 0n && traces.length < MAX_TRACES; id--) {
    const before = await source.trace(id);
    demand(before !== null, `trace ${id} is missing`);
    traces.unshift(before);
    sum += before.weight;
  }
  demand(sum === totalWeight, `the traces burned ${sum} wei, the header says ${totalWeight}`);
  return traces;
}

async function fetchBundle({ content }: WorkGiven, known: Established): Promise<string> {
  const { maxBundleBytes } = known.told.limits;
  const id = CID.decode(known.work.bundle).toString();
  const bytes = await content.getBytes(id, { maxBytes: maxBundleBytes });
  known.bundle = decodeBundle(bytes, maxBundleBytes);
  return `${bytes.length} bytes under the content id that the header names, ${id}`;
}

const DETAILS: Record<(typeof CHECKS)[number], string> = {
  document: 'the job document has the hash that was posted',
  plan: 'the segment is one of those that the document plans, within the limits of the chain',
  manifest: 'the manifest is that of the training set',
  start: 'the start state is in the committed trace, at its place',
  records: "every record of the segment's batches is in the training set",
  end: 'the end state is in the committed trace, right after it',
  replay: 'the steps, executed again, lead to it bit for bit',
};

async function* replayChecks(
  { engine, onPassed }: WorkGiven,
  { work, told, bundle }: Established,
): AsyncGenerator<WorkCheck> {
  const claim: SegmentClaim = {
    jobId: work.jobId,
    seed: fromHex(told.seed, 32),
    documentHash: fromHex(told.documentHash, 32),
    round: told.round,
    slot: told.slot,
    traceRoot: work.traceRoot,
    segments: told.segments,
    segment: work.segment,
  };
  const passed: WorkCheck[] = [];
  const started = performance.now();
  const verified = verifyBundle(engine, bundle, claim, {
    limits: told.limits,
    onCheck: (name) => {
      const check: WorkCheck = { name, ok: true, detail: DETAILS[name] };
      passed.push(check);
      onPassed?.(check);
    },
  });
  yield* passed;
  if (!verified.ok) {
    yield { name: verified.check, ok: false, detail: verified.reason };
    return;
  }
  const ok = equalBytes(verified.modelHash, work.modelHash);
  const ms = Math.round(performance.now() - started);
  const detail = ok
    ? `${verified.steps} steps over ${verified.samples} samples in ${ms} ms: model ${toHex(work.modelHash)}, as the header says`
    : 'the segment ends with another model than the header says';
  yield { name: 'model', ok, detail };
}
