/** The checks that prove what sealed a block, in order; each stands on the ones before. Pure but for the evidence it asks for. */
import { equalBytes, toHex } from '../core/index.ts';
import type { VerdictSection, WorkSection } from '../light/index.ts';
import { type Bundle, drawWork, type SegmentClaim, verifyBundle } from '../pouw/index.ts';
import { DETAILS, demand, outcomeOf, type WorkCheck, type WorkGiven } from './check.ts';
import {
  type Committed,
  claimIn,
  claimText,
  committed,
  fetchBundle,
  stateUnder,
  termsIn,
} from './evidence.ts';
import type { WorkTerms } from './source.ts';
import { demandSame, type ProvenState, type ProvenTerms, type ProvenTrace } from './state.ts';
import { checkVerdict } from './verdict.ts';

interface Established {
  committed: Committed;
  work: WorkSection;
  verdict: VerdictSection;
  terms: WorkTerms;
  /** As the draw found it. */
  state: ProvenState;
  trace: ProvenTrace;
  claim: SegmentClaim;
  bundle: Bundle;
}

/** Traces that one draw covers: far more than a day's of any network would be a lie. */
const MAX_TRACES = 100_000n;
/** Proven with one question. */
const TRACES_AT_ONCE = 128n;

/** Yields one check after the other and ends after the first that fails. Throws only when `signal` aborts. */
export async function* checkWork(given: WorkGiven, signal: AbortSignal): AsyncGenerator<WorkCheck> {
  const known = {} as Established;
  const header = await outcomeOf('header', () => checkHeader(given, known), signal);
  yield header;
  if (!header.ok) return;
  if (known.verdict !== undefined) {
    yield* checkVerdict(given, { verdict: known.verdict, committed: known.committed }, signal);
    return;
  }
  const steps: readonly [WorkCheck['name'], (given: WorkGiven, known: Established) => Promise<string>][] = [
    ['work section', checkSection],
    ['draw', checkDraw],
    ['job', checkJob],
    ['bundle', checkBundle],
  ];
  for (const [name, step] of steps) {
    signal.throwIfAborted();
    const check = await outcomeOf(name, () => step(given, known), signal);
    yield check;
    if (!check.ok) return;
  }
  yield* replayChecks(given, known);
}

async function checkHeader(given: WorkGiven, known: Established): Promise<string> {
  const { height, trusted } = given;
  known.committed = await committed(given, height);
  const { section, signers } = known.committed;
  if (section.work !== null) known.work = section.work;
  if (section.verdict !== null) known.verdict = section.verdict;
  const whose = trusted === undefined ? 'validators that the RPC names' : "chain spec's validators";
  return `block ${height} is committed by more than two thirds of the ${signers} ${whose}`;
}

async function checkSection(given: WorkGiven, known: Established): Promise<string> {
  const { height } = given;
  demand(known.work !== undefined, `block ${height} carries neither a proof of work nor a verdict`);
  known.terms = await termsIn(given);
  const { drawHeight, jobId, segment, rank, worker } = known.work;
  demand(drawHeight <= height, 'it opens a draw that is still to come');
  return `the header binds the proof: job ${jobId}, segment ${segment} of a trace of worker ${toHex(worker)}, rank ${rank} of draw ${drawHeight}`;
}

/** Draws again, by the beacon of the block before the work height, from the traces that its state had. */
async function checkDraw(given: WorkGiven, known: Established): Promise<string> {
  const { source, trusted, height } = given;
  const { drawHeight, rank, segment, totalWeight } = known.work;
  const before = await committed(given, drawHeight - 1);
  known.state = stateUnder(given, before, known.terms);
  const terms = await known.state.terms();
  demand(height < drawHeight + terms.interval, 'it opens a draw that is over');
  const traces = await coveredTraces(known.state, terms, drawHeight);
  const sum = traces.reduce((total, { weight }) => total + weight, 0n);
  demand(sum === totalWeight, `the traces burned ${sum} wei, the header says ${totalWeight}`);
  const drawn = drawWork({
    chainId: trusted?.chainId ?? (await source.chainId()),
    beacon: before.header.mixHash,
    traces: traces.map(({ weight, segments, root }) => ({ weight, segments, traceRoot: root })),
    ranks: terms.ranks,
  });
  const one = drawn[rank];
  demand(one !== undefined, 'the beacon draws fewer traces');
  known.trace = traces[one.index]!;
  demandSame(known.trace, known.work);
  demand(one.segment === segment, `the beacon draws segment ${one.segment}, not ${segment}`);
  return `the beacon of block ${drawHeight - 1} draws this segment at rank ${rank} from ${traces.length} traces that burned ${totalWeight} wei, all proven to be in its state, and committed before it was known`;
}

/** All that no draw had covered, committed early enough, in chain order. */
async function coveredTraces(
  state: ProvenState,
  { firstUndrawn, traceCount, drawDelay }: ProvenTerms,
  drawHeight: number,
): Promise<ProvenTrace[]> {
  demand(traceCount - firstUndrawn <= MAX_TRACES, `${traceCount} traces are too many to prove`);
  const latest = drawHeight - 1 - drawDelay;
  const covered: ProvenTrace[] = [];
  for (let from = firstUndrawn; from < traceCount; from += TRACES_AT_ONCE) {
    const to = from + TRACES_AT_ONCE < traceCount ? from + TRACES_AT_ONCE : traceCount;
    const traces = await state.traces(from, to);
    const late = traces.findIndex((trace) => trace.height > latest);
    covered.push(...traces.slice(0, late < 0 ? traces.length : late));
    if (late >= 0) break;
  }
  return covered;
}

async function checkJob(_given: WorkGiven, known: Established): Promise<string> {
  known.claim = await claimIn(known.state, known.trace, known.work.segment);
  const { documentHash } = known.claim;
  return `proven in the same state: ${claimText(known.claim)}, document ${toHex(documentHash)}`;
}

async function checkBundle(given: WorkGiven, known: Established): Promise<string> {
  const { bundle, detail } = await fetchBundle(given, known.work.bundle, known.terms);
  known.bundle = bundle;
  return detail;
}

async function* replayChecks(
  { engine, onPassed }: WorkGiven,
  { work, terms, claim, bundle }: Established,
): AsyncGenerator<WorkCheck> {
  const passed: WorkCheck[] = [];
  const started = performance.now();
  const verified = verifyBundle(engine, bundle, claim, {
    limits: terms.limits,
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
