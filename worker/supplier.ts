/**
 * Shows bundles of own traces to whoever may ask for them: the auditors of an audited trace, and the court while a case
 * against an own trace is open. The bundle goes into the content store, its id is told until it is answered.
 */
import { fromHex, type TimerHandle, tellHostFault } from '../core/index.ts';
import {
  type Audit,
  type Court,
  createLatest,
  createTraceFeed,
  isRevert,
  type LiveTrace,
  type OpenCase,
  type TraceFeed,
  ZERO_HASH,
} from '../market/index.ts';
import { type AnnouncementContent, signAnnouncement, workTopic } from '../pouw/index.ts';
import type { WorkerContext } from './context.ts';
import type { DrawnSegment } from './opener.ts';

export interface Supplier {
  /** Looks at audits of own traces and cases against them; returns at once. */
  look(height: number): void;
  close(): Promise<void>;
}

type BundleOf = (asked: DrawnSegment) => Promise<Uint8Array | undefined>;

/** Something that is told until it is answered. */
type Wanted = { caseId: number } | { traceId: number; segment: number };

interface Shown {
  trace: LiveTrace;
  segment: number;
  wanted: Wanted;
  /** Content id; undefined while it is being made. */
  bundle?: string;
  /** Times that it could have been told. */
  turns: number;
}

const ANNOUNCE_EVERY_MS = 900;
const SELDOM = 4;
/** Blocks beyond the windows of the court that a trace is looked after. */
const SLACK_BLOCKS = 20;

export const createSupplier = (context: WorkerContext, court: Court, bundleOf: BundleOf): Supplier =>
  new Desk(context, court, bundleOf);

class Desk implements Supplier {
  readonly #context: WorkerContext;
  readonly #court: Court;
  readonly #bundleOf: BundleOf;
  readonly #looks;
  readonly #shown = new Map<string, Shown>();
  /** Traces that are not audited, or whose audit needs nothing more. */
  readonly #settled = new Set<bigint>();
  /** First height at which an audit has to be looked at. */
  readonly #wakeAt = new Map<bigint, number>();
  #feed: TraceFeed | undefined;
  /** One bundle at a time: a trace may have to be trained again for it. */
  #making: Promise<void> = Promise.resolve();
  #attempt = 0;
  #timer: TimerHandle | undefined;

  constructor(context: WorkerContext, court: Court, bundleOf: BundleOf) {
    this.#context = context;
    this.#court = court;
    this.#bundleOf = bundleOf;
    this.#looks = createLatest<number>((height) => this.#look(height));
    this.#announceLater();
  }

  look(height: number): void {
    this.#looks.offer(height);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#shown.clear();
    await this.#looks.close();
    await this.#making;
  }

  async #look(height: number): Promise<void> {
    const { signal, log, onFault } = this.#context;
    try {
      const own = await this.#ownTraces(height);
      const wanted = [...(await this.#audited(own, height)), ...(await this.#accused(own))];
      const keys = new Set(wanted.map(keyOf));
      for (const key of this.#shown.keys()) if (!keys.has(key)) this.#shown.delete(key);
      for (const one of wanted) if (!this.#shown.has(keyOf(one))) this.#show(one);
    } catch (error) {
      if (signal.aborted) return;
      tellHostFault(error, onFault);
      log.debug('audits and cases could not be looked at', { error });
    }
  }

  async #ownTraces(height: number): Promise<LiveTrace[]> {
    const { market, account } = this.#context;
    if (this.#feed === undefined) {
      const [terms, work] = await Promise.all([this.#court.parameters(), market.workParameters()]);
      const { interval = 0, drawDelay = 0 } = work ?? {};
      const { commitBlocks, revealBlocks, courtBlocks } = terms;
      const horizon = drawDelay + commitBlocks + revealBlocks + 2 * interval + 3 * courtBlocks + SLACK_BLOCKS;
      this.#feed = createTraceFeed(market, horizon);
    }
    const traces = await this.#feed.at(height);
    return traces.filter(({ worker }) => worker === account);
  }

  async #audited(own: readonly LiveTrace[], height: number): Promise<Shown[]> {
    const wanted: Shown[] = [];
    for (const trace of own) {
      if (this.#settled.has(trace.id) || height < (this.#wakeAt.get(trace.id) ?? 0)) continue;
      const audit = await this.#court.auditOf(trace.id);
      if (await this.#isOver(trace, audit, height)) this.#settled.add(trace.id);
      else if (audit.state === 'Drawn')
        wanted.push(
          ...[...new Set(audit.segments)].map((segment) => ({
            ...{ trace, segment, turns: 0 },
            wanted: { traceId: Number(trace.id), segment },
          })),
        );
    }
    return wanted;
  }

  /** An audit is answered when all auditors have committed, or can no longer. */
  async #isOver({ id }: LiveTrace, audit: Audit, height: number): Promise<boolean> {
    if (!audit.recorded) return true;
    if (audit.state === 'Drawn')
      return (
        height >= audit.revealUntil ||
        audit.auditors.every(({ revealed, commitment }) => revealed || commitment !== ZERO_HASH)
      );
    if (audit.state !== 'None' || height >= audit.drawUntil) return true;
    if (height < audit.drawFrom) {
      this.#wakeAt.set(id, audit.drawFrom);
      return false;
    }
    try {
      return !(await this.#court.selectionOf(id)).selected;
    } catch (error) {
      if (isRevert(error)) return false;
      throw error;
    }
  }

  async #accused(own: readonly LiveTrace[]): Promise<Shown[]> {
    if (own.length === 0) return [];
    const cases = await this.#court.openCases();
    return cases.flatMap((one: OpenCase) => {
      const trace = own.find(({ id }) => id === one.traceId);
      const { caseId, segment } = one;
      return trace === undefined ? [] : [{ trace, segment, turns: 0, wanted: { caseId } }];
    });
  }

  #show(shown: Shown): void {
    this.#shown.set(keyOf(shown), shown);
    this.#making = this.#making.then(() => this.#make(shown));
  }

  async #make(shown: Shown): Promise<void> {
    const context = this.#context;
    const { trace, segment, wanted } = shown;
    const { jobId, round, root } = trace;
    const key = keyOf(shown);
    if (this.#shown.get(key) !== shown || context.signal.aborted) return;
    try {
      const bytes = await this.#bundleOf({ jobId, round, segment, root: fromHex(root, 32) });
      if (bytes === undefined) {
        // The job is not ready here yet: with the next look.
        this.#shown.delete(key);
        return;
      }
      shown.bundle = await context.peer.content.putBytes(bytes);
      void context.peer.content.provide(shown.bundle);
      const about = { traceId: trace.id, jobId, round, segment };
      context.onEvent({ type: 'caseId' in wanted ? 'accused' : 'audited', ...about });
      await this.#announce(shown);
    } catch (error) {
      this.#shown.delete(key);
      if (!context.signal.aborted)
        context.log.warn('a segment that is asked for cannot be shown yet', { jobId, round, segment, error });
    }
  }

  #announceLater(): void {
    this.#timer = this.#context.steady.setTimer(ANNOUNCE_EVERY_MS, () => {
      for (const shown of this.#shown.values()) if (isDue(shown)) void this.#announce(shown);
      if (!this.#context.signal.aborted) this.#announceLater();
    });
  }

  async #announce({ wanted, bundle }: Shown): Promise<void> {
    if (bundle === undefined) return;
    const { domain, keys, peer, log } = this.#context;
    const told = { bundle, attempt: this.#attempt++ };
    const content: AnnouncementContent =
      'caseId' in wanted
        ? { format: 'fedai-case/2', ...wanted, ...told }
        : { format: 'fedai-audit/2', ...wanted, ...told };
    const message = signAnnouncement(domain.chainId, content, keys.evm.privateKey);
    await peer.gossip.publish(workTopic(domain.chainId), message).catch((error: unknown) => {
      log.debug('could not announce a bundle', { error });
    });
  }
}

/** Often at first, then every `SELDOM` times: a full audit has hundreds of bundles told at once. */
function isDue(shown: Shown): boolean {
  shown.turns += 1;
  return shown.turns <= 2 || shown.turns % SELDOM === 0;
}

const keyOf = ({ wanted }: Shown): string =>
  'caseId' in wanted ? `case ${wanted.caseId}` : `${wanted.traceId}/${wanted.segment}`;
