/** The checks that prove what sealed a block, in order; each stands on the ones before. Pure but for the evidence it asks for. */
import { CID } from 'multiformats/cid';
import { equalBytes, fromHex, toHex } from '../core/index.ts';
import { type HeaderFields, type VerdictSection, verifyHeader, type WorkSection } from '../light/index.ts';
import { type Bundle, decodeBundle, drawWork, type SegmentClaim, verifyBundle } from '../pouw/index.ts';
import { DETAILS, demand, outcomeOf, type WorkCheck, type WorkGiven } from './check.ts';
import type { ToldProof, ToldTrace, WorkSource } from './source.ts';
import { checkVerdict } from './verdict.ts';

interface Established {
  header: HeaderFields;
  work: WorkSection;
  verdict: VerdictSection;
  told: ToldProof;
  bundle: Bundle;
  modelHash: Uint8Array;
}

/** Traces that one draw covers: far more than a day's of any network would be a lie. */
const MAX_TRACES = 100_000;

/** Yields one check after the other and ends after the first that fails. Throws only when `signal` aborts. */
export async function* checkWork(given: WorkGiven, signal: AbortSignal): AsyncGenerator<WorkCheck> {
  const known = {} as Established;
  const header = await outcomeOf('header', () => checkHeader(given, known), signal);
  yield header;
  if (!header.ok) return;
  if (known.verdict !== undefined) {
    yield* checkVerdict(given, known.verdict, signal);
    return;
  }
  const steps: readonly [WorkCheck['name'], (given: WorkGiven, known: Established) => Promise<string>][] = [
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

async function checkHeader({ source, trusted, height }: WorkGiven, known: Established): Promise<string> {
  const evidence = await source.header(height);
  const chainId = trusted?.chainId ?? (await source.chainId());
  const set = trusted?.validators ?? (await source.validators(height));
  const checked = verifyHeader({ chainId, set, ...evidence });
  demand(checked.ok, checked.ok ? '' : checked.reason);
  demand(checked.header.number === height, `the RPC gave block ${checked.header.number}`);
  known.header = checked.header;
  const { work, verdict } = evidence.section;
  if (work !== null) known.work = work;
  if (verdict !== null) known.verdict = verdict;
  const whose = trusted === undefined ? 'validators that the RPC names' : "chain spec's validators";
  return `block ${height} is committed by more than two thirds of the ${set.length} ${whose}`;
}

async function checkSection({ source, height }: WorkGiven, known: Established): Promise<string> {
  demand(known.work !== undefined, `block ${height} carries neither a proof of work nor a verdict`);
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

async function* replayChecks(
  { engine, onPassed }: WorkGiven,
  { work, told, bundle }: Established,
): AsyncGenerator<WorkCheck> {
  const claim: SegmentClaim = {
    jobId: work.jobId,
    seed: fromHex(told.seed, 32),
    documentHash: fromHex(told.documentHash, 32),
    postedAt: told.postedAt,
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
