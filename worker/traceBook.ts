/** The own traces of one job: each is committed on chain as soon as it is there, and kept until no draw can ask for it. */
import { equalBytes, FedaiError, toHex } from '../core/index.ts';
import { isRevert } from '../market/index.ts';
import { stateBefore } from './agreed.ts';
import type { Assignment, WorkerContext } from './context.ts';
import type { JobStore } from './jobStore.ts';
import { makeBundle, remakeTrace, type Trace } from './traces.ts';

export interface TraceBook {
  /** Takes over a recorded trace and commits it in the background. */
  add(trace: Trace): void;
  /** The bundle of one segment of the trace that was committed with this root; trains it again if need be. */
  bundle(drawn: { round: number; segment: number; root: Uint8Array }): Promise<Uint8Array>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** A trace is committed at the end of its round, drawn or audited within some twenty blocks: a few rounds at most. */
const KEPT_TRACES = 10;

export function createTraceBook(context: WorkerContext, assignment: Assignment, store: JobStore): TraceBook {
  const traces = new Map<number, Trace>();
  const underway = new Set<Promise<void>>();
  const keep = (trace: Trace): void => {
    traces.set(trace.round, trace);
    for (const round of traces.keys()) if (round <= trace.round - KEPT_TRACES) traces.delete(round);
  };
  const remade = async (round: number, root: Uint8Array): Promise<Trace> => {
    context.log.info('a drawn trace is trained again', { jobId: assignment.jobId, round });
    const before = (second: Assignment) =>
      stateBefore({ context, assignment: second, store }, round, context.signal);
    const trace = await remakeTrace(assignment, round, before, root, context.signal);
    keep(trace);
    return trace;
  };
  return {
    add(trace) {
      keep(trace);
      const committing = commit(context, assignment, trace).finally(() => underway.delete(committing));
      underway.add(committing);
    },
    async bundle({ round, segment, root }) {
      const known = traces.get(round);
      const isUsable = known?.states !== undefined && equalBytes(known.claim.traceRoot, root);
      return await makeBundle(assignment, isUsable ? known : await remade(round, root), segment);
    },
    idle: async () => void (await Promise.all(underway)),
  };
}

async function commit(context: WorkerContext, { jobId }: Assignment, { round, claim }: Trace): Promise<void> {
  const { traceRoot, startRoot, startPath, endRoot, endPath } = claim;
  try {
    await context.market.commitTrace(jobId, round, {
      traceRoot: toHex(traceRoot),
      startRoot: toHex(startRoot),
      startPath: startPath.map(toHex),
      endRoot: toHex(endRoot),
      endPath: endPath.map(toHex),
    });
    context.onEvent({ type: 'committed', jobId, round });
  } catch (error) {
    if (context.signal.aborted || isRevert(error, 'JobManagerTraceCommitted')) return;
    context.log.warn('a trace could not be committed: this round is not paid', {
      jobId,
      round,
      error: error instanceof FedaiError ? error : String(error),
    });
  }
}
