/**
 * The auditor's desk: which traces concern this evaluator, one execution at a time, evidence for open cases, the pay. What
 * is to be done with a trace is auditPlan's.
 */

import { steadyClock, type TimerHandle, tellHostFault } from '../core/index.ts';
import type { ReplayLimits } from '../job/index.ts';
import {
  type Court,
  createLatest,
  createTraceFeed,
  type Latest,
  type LiveTrace,
  type TraceFeed,
} from '../market/index.ts';
import { signAnnouncement, workTopic } from '../pouw/index.ts';
import { createReplayer, type Replayer } from '../pouw/replay/index.ts';
import { executeAudit } from './auditReplay.ts';
import { addFindings, keepFindings, stepTrace, type TraceDesk, type Watched, watch } from './auditTrace.ts';
import { type BundleBoard, createBundleBoard } from './bundleBoard.ts';
import type { EvaluatorContext } from './context.ts';

export interface Auditor {
  /** Tells of a new height; returns at once. */
  look(height: number): void;
  close(): Promise<void>;
}

export interface AuditorInput {
  context: EvaluatorContext;
  court: Court;
  /** Of the chain: what a segment may cost that is executed again. */
  limits: ReplayLimits;
  /** Whether a job's evaluation needs the machine now: it goes first. */
  isBusy: () => boolean;
}

const ANNOUNCE_EVERY_MS = 1_000;
/** Blocks beyond the windows of the court that a trace is looked after: draws, and looks that come late. */
const SLACK_BLOCKS = 40;

export const createAuditor = (input: AuditorInput): Auditor => new Desk(input);

interface Execution {
  watched: Watched;
  ended: AbortController;
  done: Promise<void>;
}

class Desk implements Auditor, TraceDesk {
  readonly context: EvaluatorContext;
  readonly court: Court;
  readonly #limits: ReplayLimits;
  readonly #isBusy: () => boolean;
  readonly #board: BundleBoard;
  readonly #replayer: Replayer;
  readonly #watched = new Map<bigint, Watched>();
  readonly #steps = new Set<Promise<void>>();
  readonly #looks: Latest<number>;
  #feed: TraceFeed | undefined;
  #execution: Execution | undefined;
  #evidence: { caseId: number; bundle: string }[] = [];
  #attempt = 0;
  #height = 0;
  #hasEarned = true;
  #timer: TimerHandle | undefined;

  constructor({ context, court, limits, isBusy }: AuditorInput) {
    this.context = context;
    this.court = court;
    this.#limits = limits;
    this.#isBusy = isBusy;
    this.#replayer = createReplayer(context.log);
    this.#looks = createLatest((height) => this.#look(height));
    this.#board = createBundleBoard(context.domain.chainId, () => this.#looks.offer(this.#height));
    context.peer.gossip.subscribe(this.#topic(), async (message, from) => this.#board.hear(message, from));
    this.#announceLater();
  }

  look(height: number): void {
    this.#height = height;
    this.#looks.offer(height);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.context.peer.gossip.unsubscribe(this.#topic());
    this.#execution?.ended.abort();
    await this.#looks.close();
    await this.#replayer.close();
    await Promise.all([this.#execution?.done, ...this.#steps]);
  }

  execute(watched: Watched, segments: readonly number[]): void {
    const { trace } = watched;
    this.#board.expect(trace, segments);
    this.#replayer.warm();
    if (this.#execution !== undefined || this.#isBusy() || this.context.signal.aborted) return;
    if (segments.some((segment) => this.#board.offered(trace.id, segment).length === 0)) return;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.context.signal]);
    const done = this.#execute(watched, segments, signal).finally(() => {
      this.#execution = undefined;
      this.#looks.offer(this.#height);
    });
    this.#execution = { watched, ended, done };
  }

  isExecuting(watched: Watched): boolean {
    return this.#execution?.watched === watched;
  }

  forget({ trace, isOwn }: Watched): void {
    this.#board.forget(trace.id);
    this.#hasEarned ||= isOwn;
  }

  #topic(): string {
    return workTopic(this.context.domain.chainId);
  }

  async #execute(watched: Watched, segments: readonly number[], signal: AbortSignal): Promise<void> {
    const { context } = this;
    const replay = {
      ...{ context, board: this.#board, replayer: this.#replayer, limits: this.#limits },
      onReplay: (ms: number) => context.onEvent({ type: 'auditReplayed', traceId: watched.trace.id, ms }),
    };
    try {
      const findings = await executeAudit(replay, watched.trace, segments, signal);
      if (findings === undefined || signal.aborted) return;
      if (watched.record === undefined) await keepFindings(this, watched, findings);
      else await addFindings(this, watched, findings);
    } catch (error) {
      if (signal.aborted) return;
      tellHostFault(error, context.onFault);
      context.log.warn('segments could not be executed and will be tried again', {
        traceId: watched.trace.id,
        error,
      });
    }
  }

  async #look(height: number): Promise<void> {
    const { context } = this;
    try {
      const traces = await this.#traces(height);
      const live = new Set(traces.map(({ id }) => id));
      for (const trace of traces) if (!this.#watched.has(trace.id)) this.#watched.set(trace.id, watch(trace));
      for (const [id, watched] of this.#watched) {
        if (!live.has(id) && !watched.isBusy) this.#watched.delete(id);
        else this.#step(watched, height);
      }
      this.#evidence = await this.#findEvidence();
      if (this.#hasEarned) await this.#withdraw();
    } catch (error) {
      if (context.signal.aborted) return;
      tellHostFault(error, context.onFault);
      context.log.debug('the audits could not be looked at', { error });
    }
  }

  async #traces(height: number): Promise<readonly LiveTrace[]> {
    this.#feed ??= await openFeed(this.context, this.court);
    return await this.#feed.at(height);
  }

  #step(watched: Watched, height: number): void {
    if (watched.isDone || watched.isBusy || height < watched.wakeAt) return;
    const step = stepTrace(this, watched, height).finally(() => this.#steps.delete(step));
    this.#steps.add(step);
  }

  /** Bundles held here for segments that are before the court: whoever is right gains by their being seen. */
  async #findEvidence(): Promise<{ caseId: number; bundle: string }[]> {
    const own = [...this.#watched.values()].filter(({ isDone, record }) => !isDone && record !== undefined);
    if (own.length === 0) return [];
    const cases = await this.court.openCases();
    return cases.flatMap(({ caseId, traceId, segment }) => {
      const bundles = this.#watched.get(traceId)?.record?.bundles ?? [];
      return bundles.flatMap((one) => (one.segment === segment ? [{ caseId, bundle: one.bundle }] : []));
    });
  }

  #announceLater(): void {
    this.#timer = steadyClock.setTimer(ANNOUNCE_EVERY_MS, () => {
      for (const evidence of this.#evidence) void this.#announce(evidence);
      if (!this.context.signal.aborted) this.#announceLater();
    });
  }

  async #announce({ caseId, bundle }: { caseId: number; bundle: string }): Promise<void> {
    const { domain, keys, peer, log } = this.context;
    const content = { format: 'fedai-case/2', caseId, bundle, attempt: this.#attempt++ } as const;
    const message = signAnnouncement(domain.chainId, content, keys.evm.privateKey);
    await peer.gossip.publish(this.#topic(), message).catch((error: unknown) => {
      log.debug('could not announce evidence', { caseId, error });
    });
  }

  /** Once no own audit is under way, so that one transaction takes all of it. */
  async #withdraw(): Promise<void> {
    if ([...this.#watched.values()].some(({ isOwn, isDone }) => isOwn && !isDone)) return;
    this.#hasEarned = false;
    const { account, onEvent } = this.context;
    const amount = await this.court.withdrawable(account);
    if (amount === 0n) return;
    await this.court.withdraw();
    onEvent({ type: 'withdrawn', amount });
  }
}

/** Traces older than the last block in which anything can happen to them are left alone. */
async function openFeed({ market }: EvaluatorContext, court: Court): Promise<TraceFeed> {
  const [terms, work] = await Promise.all([court.parameters(), market.workParameters()]);
  const { interval = 0, drawDelay = 0 } = work ?? {};
  const { commitBlocks, revealBlocks, courtBlocks } = terms;
  const horizon = drawDelay + commitBlocks + revealBlocks + 2 * interval + 3 * courtBlocks + SLACK_BLOCKS;
  return createTraceFeed(market, horizon);
}
