/** The checks that prove a block's verdict: the segment of the case, executed again, and what the header says of it. */
import { CID } from 'multiformats/cid';
import { equalBytes, fromHex, toHex } from '../core/index.ts';
import { createEngine } from '../engine/index.ts';
import type { VerdictSection } from '../light/index.ts';
import { type Bundle, decodeBundle, type SegmentClaim, type Verified, verifyBundle } from '../pouw/index.ts';
import { DETAILS, demand, outcomeOf, type WorkCheck, type WorkGiven } from './check.ts';
import type { ToldVerdict } from './source.ts';

interface Established {
  told: ToldVerdict;
  bundle: Bundle;
}

/** Yields one check after the other and ends after the first that fails. */
export async function* checkVerdict(
  given: WorkGiven,
  verdict: VerdictSection,
  signal: AbortSignal,
): AsyncGenerator<WorkCheck> {
  const known = {} as Established;
  const steps = [
    ['verdict section', () => checkSection(given, verdict, known)],
    ['bundle', () => fetchBundle(given, verdict, known)],
  ] as const;
  for (const [name, step] of steps) {
    signal.throwIfAborted();
    const check = await outcomeOf(name, step, signal);
    yield check;
    if (!check.ok) return;
  }
  yield* replayChecks(given, verdict, known);
}

async function checkSection(
  { source, height }: WorkGiven,
  { caseId, jobId, segment, worker }: VerdictSection,
  known: Established,
): Promise<string> {
  const told = await source.verdict(height);
  demand(told !== null && told.caseId === caseId, 'the RPC does not tell what the verdict is of');
  known.told = told;
  return `the header binds the verdict: case ${caseId}, job ${jobId}, segment ${segment} of a trace of worker ${toHex(worker)}`;
}

async function fetchBundle(
  { content }: WorkGiven,
  { bundle }: VerdictSection,
  known: Established,
): Promise<string> {
  const { maxBundleBytes } = known.told.limits;
  const id = CID.decode(bundle).toString();
  const bytes = await content.getBytes(id, { maxBytes: maxBundleBytes });
  known.bundle = decodeBundle(bytes, maxBundleBytes);
  return `${bytes.length} bytes under the content id that the header names, ${id}`;
}

async function* replayChecks(
  { engine }: WorkGiven,
  verdict: VerdictSection,
  { told, bundle }: Established,
): AsyncGenerator<WorkCheck> {
  const claim: SegmentClaim = {
    jobId: verdict.jobId,
    seed: fromHex(told.seed, 32),
    documentHash: fromHex(told.documentHash, 32),
    postedAt: told.postedAt,
    round: told.round,
    slot: told.slot,
    traceRoot: verdict.traceRoot,
    segments: told.segments,
    segment: verdict.segment,
  };
  const passed: WorkCheck[] = [];
  const onCheck = (name: keyof typeof DETAILS) => void passed.push({ name, ok: true, detail: DETAILS[name] });
  let verified: Verified = verifyBundle(engine, bundle, claim, { limits: told.limits, onCheck });
  yield* passed;
  if (!verified.ok && verified.check !== 'replay') {
    yield { name: verified.check, ok: false, detail: verified.reason };
    return;
  }
  // A fast kernel accuses nobody.
  if (!verified.ok && engine.kernel !== 'reference')
    verified = verifyBundle(await createEngine({ kernel: 'reference' }), bundle, claim, {
      limits: told.limits,
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
