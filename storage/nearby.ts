/**
 * `/fedai/content/1`: a block of content from a peer that is known to have it, over one stream. Bitswap asks every neighbour
 * for every block, and all who want one block at a time send it to each other; it comes in when the named peer does not answer.
 */
import { CID } from 'multiformats/cid';
import { concatBytes, FedaiError, isBlockOf, sleep } from '../core/index.ts';
import type { Requests } from '../net/index.ts';
import type { Blocks } from './read.ts';

export const CONTENT_PROTOCOL = '/fedai/content/1';

/** What is kept of content: Helia's block store, with the network behind it. */
export interface BlockKeeper extends Blocks {
  /** On this disk. */
  has(cid: CID): Promise<boolean> | boolean;
  put(cid: CID, block: Uint8Array): Promise<unknown> | unknown;
}

/** Leaves are of 1 MiB; other importers' blocks are of 2 MiB at most. */
const MAX_BLOCK_BYTES = 2 << 20;
const MAX_CID_BYTES = 64;
/** A peer that has the block mostly answers in this time; one that keeps it back loses nobody more. */
const ALONE_MS = 2_000;
const ASK_TIMEOUT_MS = 20_000;

export async function serveContent(requests: Requests, blocks: BlockKeeper): Promise<void> {
  await requests.handle(
    CONTENT_PROTOCOL,
    async (request, _from, signal) => {
      const cid = cidOf(request);
      if (!(await blocks.has(cid))) throw new FedaiError('NO_SUCH_BLOCK', 'not here');
      return await collect(blocks.get(cid, { offline: true, signal }));
    },
    {
      ...{ maxRequestBytes: MAX_CID_BYTES, timeoutMs: 30_000 },
      ...{ perPeerPerSecond: 32, perPeerBurst: 256, concurrentPerPeer: 16 },
    },
  );
}

function cidOf(request: Uint8Array): CID {
  try {
    return CID.decode(request);
  } catch (cause) {
    throw new FedaiError('NO_SUCH_BLOCK', 'not a content id', {}, { cause });
  }
}

/** The same blocks; what is not here is asked of `peer` first. */
export const blocksFrom = (peer: string, requests: Requests, blocks: BlockKeeper): Blocks => ({
  async *get(cid, options) {
    const isHere = options.offline || (await blocks.has(cid));
    if (isHere) yield* blocks.get(cid, options);
    else yield await fetchFrom(peer, requests, blocks, cid, options.signal);
  },
});

async function fetchFrom(
  peer: string,
  requests: Requests,
  blocks: BlockKeeper,
  cid: CID,
  outer: AbortSignal,
): Promise<Uint8Array> {
  const done = new AbortController();
  const signal = AbortSignal.any([outer, done.signal]);
  const asked = ask(peer, requests, blocks, cid, signal);
  const others = async () => {
    await Promise.race([sleep(ALONE_MS, signal), asked.catch(() => {})]);
    signal.throwIfAborted();
    return await collect(blocks.get(cid, { offline: false, signal }));
  };
  try {
    return await Promise.any([asked, others()]);
  } catch (error) {
    outer.throwIfAborted();
    throw error instanceof AggregateError ? error.errors[1] : error;
  } finally {
    done.abort();
  }
}

async function ask(
  peer: string,
  requests: Requests,
  blocks: BlockKeeper,
  cid: CID,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_BLOCK_BYTES, signal };
  const block = await requests.request(peer, CONTENT_PROTOCOL, cid.bytes, limits);
  if (!isBlockOf(cid, block)) throw new FedaiError('BAD_CONTENT', 'a peer sent another block than asked for');
  await blocks.put(cid, block);
  return block;
}

async function collect(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return all.length === 1 ? all[0]! : concatBytes(...all);
}
