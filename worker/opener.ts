/** Opens the own segments that the chain has drawn: the bundle goes into the content store, validators are told its id until a block carries it. */
import { fromHex, type TimerHandle, tellHostFault } from '../core/index.ts';
import type { WorkDraw } from '../market/index.ts';
import { isAnnounceTick, signAnnouncement, workTopic } from '../pouw/index.ts';
import type { WorkerContext } from './context.ts';

export interface DrawnSegment {
  jobId: bigint;
  round: number;
  segment: number;
  /** Of the committed trace. */
  root: Uint8Array;
}

export interface Opener {
  /** Looks at the draw that the next block may open; returns at once. */
  look(height: number): void;
  close(): Promise<void>;
}

interface Open {
  bundle: string;
  attempt: number;
}

const ANNOUNCE_EVERY_MS = 700;

/** `bundleOf`: the encoded bundle; undefined for a job that this process knows nothing of. */
export function createOpener(
  context: WorkerContext,
  bundleOf: (drawn: DrawnSegment) => Promise<Uint8Array | undefined>,
): Opener {
  const desk = new OpenerDesk(context, bundleOf);
  return desk;
}

class OpenerDesk implements Opener {
  readonly #context: WorkerContext;
  readonly #bundleOf: (drawn: DrawnSegment) => Promise<Uint8Array | undefined>;
  /** By draw height and rank: being made (undefined), or announced. */
  readonly #open = new Map<string, Open | undefined>();
  #interval: number | undefined;
  #looking: Promise<void> | undefined;
  #timer: TimerHandle | undefined;

  constructor(context: WorkerContext, bundleOf: (drawn: DrawnSegment) => Promise<Uint8Array | undefined>) {
    this.#context = context;
    this.#bundleOf = bundleOf;
    this.#announceLater();
  }

  look(height: number): void {
    this.#looking ??= this.#look(height)
      .catch((error: unknown) => {
        if (this.#context.signal.aborted) return;
        tellHostFault(error, this.#context.onFault);
        this.#context.log.debug('the draw of useful work could not be looked at', { error });
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#open.clear();
    await this.#looking;
  }

  async #look(height: number): Promise<void> {
    const { market, account } = this.#context;
    this.#interval ??= (await market.workParameters())?.interval ?? 0;
    if (this.#interval === 0) return;
    const isBeforeDraw = (height + 1) % this.#interval === 0;
    const draw = isBeforeDraw
      ? await market.upcomingDraw()
      : await market.workDraw(height - (height % this.#interval));
    if (draw === undefined) return;
    for (const key of this.#open.keys()) if (Number(key.split('/')[0]) < draw.height) this.#open.delete(key);
    for (const [rank, one] of draw.ranks.entries()) {
      const key = `${draw.height}/${rank}`;
      if (one.opener !== null) this.#open.delete(key);
      else if (one.trace.worker === account && !this.#open.has(key)) void this.#prepare(key, one);
    }
  }

  async #prepare(key: string, { segment, trace }: WorkDraw['ranks'][number]): Promise<void> {
    const { context, open } = { context: this.#context, open: this.#open };
    open.set(key, undefined);
    const { jobId, round, root } = trace;
    try {
      const bytes = await this.#bundleOf({ jobId, round, segment, root: fromHex(root, 32) });
      if (bytes === undefined || !open.has(key)) return;
      const bundle = await context.peer.content.putBytes(bytes);
      void context.peer.content.provide(bundle);
      context.onEvent({
        type: 'drawn',
        jobId,
        round,
        segment,
        drawHeight: Number(key.split('/')[0]),
        bytes: bytes.length,
      });
      if (!open.has(key)) return;
      open.set(key, { bundle, attempt: 0 });
      await this.#announce(key);
    } catch (error) {
      open.delete(key);
      if (!context.signal.aborted)
        context.log.warn('a drawn segment cannot be opened yet', { jobId, round, segment, error });
    }
  }

  #announceLater(): void {
    this.#timer = this.#context.steady.setTimer(ANNOUNCE_EVERY_MS, () => {
      for (const key of this.#open.keys()) void this.#announce(key);
      if (!this.#context.signal.aborted) this.#announceLater();
    });
  }

  async #announce(key: string): Promise<void> {
    const open = this.#open.get(key);
    if (open === undefined) return;
    const attempt = open.attempt++;
    if (!isAnnounceTick(attempt)) return;
    const { domain, keys, peer, log } = this.#context;
    const [drawHeight, rank] = key.split('/').map(Number) as [number, number];
    const told = { drawHeight, rank, bundle: open.bundle, attempt };
    const content = { format: 'fedai-work/2', ...told } as const;
    const message = signAnnouncement(domain.chainId, content, keys.evm.privateKey);
    await peer.gossip.publish(workTopic(domain.chainId), message).catch((error: unknown) => {
      log.debug('could not announce a bundle', { error });
    });
  }
}
