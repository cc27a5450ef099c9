/** Executes the audited segments of one trace from bundles that were offered: their digests, and where the trace is wrong. */
import { FedaiError, fromHex, type Hex, toHex } from '../core/index.ts';
import type { ReplayLimits } from '../job/index.ts';
import type { LiveTrace } from '../market/index.ts';
import type { SegmentClaim } from '../pouw/index.ts';
import type { Replayer } from '../pouw/replay/index.ts';
import type { AuditRecord } from './auditRecord.ts';
import type { BundleBoard } from './bundleBoard.ts';
import type { EvaluatorContext } from './context.ts';

export interface AuditReplay {
  context: EvaluatorContext;
  board: BundleBoard;
  replayer: Replayer;
  limits: ReplayLimits;
  onReplay: (ms: number) => void;
}

export type Findings = Pick<AuditRecord, 'digests' | 'bundles' | 'faults'>;

/** One that does not come in this time is tried again with the next look. */
const FETCH_TIMEOUT_MS = 10_000;

/** Undefined when the offered bundles do not make up all segments: more may come. Throws transient errors. */
export async function executeAudit(
  replay: AuditReplay,
  trace: LiveTrace,
  segments: readonly number[],
  signal: AbortSignal,
): Promise<Findings | undefined> {
  const { market } = replay.context;
  const { seed, post, postedAt } = await market.job(trace.jobId);
  const claim = {
    jobId: trace.jobId,
    seed: fromHex(seed, 32),
    documentHash: fromHex(post.documentHash, 32),
    postedAt,
    round: trace.round,
    slot: trace.slot,
    traceRoot: fromHex(trace.root, 32),
    segments: trace.segments,
  };
  const done = new Map<number, Executed>();
  for (const segment of segments) {
    if (done.has(segment)) continue;
    const executed = await executeOffered(replay, trace.id, { ...claim, segment }, signal);
    if (executed === undefined) return undefined;
    done.set(segment, executed);
  }
  return {
    digests: segments.map((segment) => done.get(segment)!.digest),
    bundles: [...done].map(([segment, { bundle }]) => ({ segment, bundle })),
    faults: [...done].flatMap(([segment, { isFault }]) => (isFault ? [segment] : [])),
  };
}

interface Executed {
  digest: Hex;
  bundle: string;
  isFault: boolean;
}

async function executeOffered(
  { context, board, replayer, limits, onReplay }: AuditReplay,
  traceId: bigint,
  claim: SegmentClaim,
  signal: AbortSignal,
): Promise<Executed | undefined> {
  const { content } = context.peer;
  for (const { bundle, from } of board.offered(traceId, claim.segment)) {
    signal.throwIfAborted();
    const bytes = await content
      .getBytes(bundle, { maxBytes: limits.maxBundleBytes, timeoutMs: FETCH_TIMEOUT_MS, signal, from })
      .catch((error: unknown) => {
        if (signal.aborted) throw error;
        context.log.debug('a bundle for an audit is not to be had', { traceId, bundle, error });
        if (!(error instanceof FedaiError && error.transient)) board.strike(traceId, claim.segment, bundle);
        return undefined;
      });
    if (bytes === undefined) continue;
    const outcome = await replayer.replay({ bundle: bytes, claim, limits });
    signal.throwIfAborted();
    onReplay(outcome.ms);
    if (outcome.kernelFault)
      context.log.error('the fast kernel of this machine computes wrongly', { traceId });
    if (outcome.ok || outcome.check === 'replay') {
      // Evidence, should the trace come to court.
      await content.pin(bundle, { maxBytes: limits.maxBundleBytes, tell: false });
      return { digest: toHex(outcome.auditDigest), bundle, isFault: !outcome.ok };
    }
    const { check, reason } = outcome;
    context.log.info('not a bundle of the audited segment', { traceId, bundle, check, reason });
    board.strike(traceId, claim.segment, bundle);
  }
  return undefined;
}
