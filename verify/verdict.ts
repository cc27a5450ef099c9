/** The checks that prove a block's verdict: the segment of the case, executed again, and what the header says of it. */
import { equalBytes, toHex } from '../core/index.ts';
import { createEngine } from '../engine/index.ts';
import type { VerdictSection } from '../light/index.ts';
import { type Bundle, type SegmentClaim, type Verified, verifyBundle } from '../pouw/index.ts';
import { DETAILS, demand, outcomeOf, type WorkCheck, type WorkGiven } from './check.ts';
import { type Committed, claimIn, claimText, fetchBundle, stateUnder, termsIn } from './evidence.ts';
import type { WorkTerms } from './source.ts';
import { demandSame } from './state.ts';

interface Established {
  verdict: VerdictSection;
  committed: Committed;
  terms: WorkTerms;
  claim: SegmentClaim;
  bundle: Bundle;
}

/** As TrainingCourt numbers what becomes of a case. */
const UPHELD = 2;
const DISMISSED = 3;

/** Yields one check after the other and ends after the first that fails. */
export async function* checkVerdict(
  given: WorkGiven,
  of: Pick<Established, 'verdict' | 'committed'>,
  signal: AbortSignal,
): AsyncGenerator<WorkCheck> {
  const known = { ...of } as Established;
  const steps = [
    ['verdict section', () => checkSection(given, known)],
    ['case', () => checkCase(given, known)],
    ['bundle', () => checkBundle(given, known)],
  ] as const;
  for (const [name, step] of steps) {
    signal.throwIfAborted();
    const check = await outcomeOf(name, step, signal);
    yield check;
    if (!check.ok) return;
  }
  yield* replayChecks(given, known);
}

async function checkSection(given: WorkGiven, known: Established): Promise<string> {
  known.terms = await termsIn(given);
  const { caseId, jobId, segment, worker } = known.verdict;
  return `the header binds the verdict: case ${caseId}, job ${jobId}, segment ${segment} of a trace of worker ${toHex(worker)}`;
}

/** The state after the block has the case, closed as the header says, its trace and its job. */
async function checkCase(given: WorkGiven, known: Established): Promise<string> {
  const { verdict, terms } = known;
  const state = stateUnder(given, known.committed, terms);
  const { caseId, segment, guilty, digest } = verdict;
  const one = await state.courtCase(caseId);
  demand(one.segment === segment, `case ${caseId} is of segment ${one.segment}`);
  demand(one.state === (guilty ? UPHELD : DISMISSED), 'the court closed the case otherwise');
  demand(equalBytes(one.digest, digest), 'the court has another digest');
  const [trace] = await state.traces(one.traceId, one.traceId + 1n);
  demandSame(trace!, verdict);
  known.claim = await claimIn(state, trace!, segment);
  return `proven in the state of the block: trace ${one.traceId}, ${claimText(known.claim)}, document ${toHex(known.claim.documentHash)}`;
}

async function checkBundle(given: WorkGiven, known: Established): Promise<string> {
  const { bundle, detail } = await fetchBundle(given, known.verdict.bundle, known.terms);
  known.bundle = bundle;
  return detail;
}

async function* replayChecks(
  { engine }: WorkGiven,
  { verdict, terms, claim, bundle }: Established,
): AsyncGenerator<WorkCheck> {
  const passed: WorkCheck[] = [];
  const onCheck = (name: keyof typeof DETAILS) => void passed.push({ name, ok: true, detail: DETAILS[name] });
  let verified: Verified = verifyBundle(engine, bundle, claim, { limits: terms.limits, onCheck });
  yield* passed;
  if (!verified.ok && verified.check !== 'replay') {
    yield { name: verified.check, ok: false, detail: verified.reason };
    return;
  }
  // A fast kernel accuses nobody.
  if (!verified.ok && engine.kernel !== 'reference')
    verified = verifyBundle(await createEngine({ kernel: 'reference' }), bundle, claim, {
      limits: terms.limits,
    });
  const isGuilty = !verified.ok;
  const found = isGuilty
    ? 'the steps lead to another state than was committed'
    : 'the steps lead to the committed state';
  const isSame =
    isGuilty === verdict.guilty &&
    'auditDigest' in verified &&
    equalBytes(verified.auditDigest, verdict.digest);
  yield {
    name: 'verdict',
    ok: isSame,
    detail: `${found}; the header says ${verdict.guilty ? 'guilty' : 'innocent'}`,
  };
}
