/** Blocks and pins of a Kubo node, through its RPC. Every block is hashed before it is used: the node need not be trusted with more than keeping it. */
import type { createHeliaLight } from 'helia';
import type { KuboRPCClient } from 'kubo-rpc-client';
import type { CID } from 'multiformats/cid';
import { FedaiError, isBlockOf, MAX_BLOCK_BYTES } from '../core/index.ts';
import { readBounded } from './gateway-store.ts';

export type HeliaBlockstore = NonNullable<NonNullable<Parameters<typeof createHeliaLight>[0]>['blockstore']>;

export interface KuboNode {
  /** What this Kubo has on its disk; it is not made to search the network for more. */
  readonly blockstore: HeliaBlockstore;
  /** Also keeps the whole tree from Kubo's garbage collection; it must be there already. Throws `KUBO_UNREACHABLE`, `KUBO_REFUSED`. */
  pin(cid: CID, signal?: AbortSignal): Promise<void>;
  unpin(cid: CID): Promise<void>;
  isPinned(cid: CID): Promise<boolean>;
}

interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** Kubo works from its own disk here: slower than this is as good as away. */
const DEFAULT_TIMEOUT_MS = 30_000;
const CODEC_NAMES: ReadonlyMap<number, string> = new Map([
  [0x55, 'raw'],
  [0x70, 'dag-pb'],
  [0x71, 'dag-cbor'],
]);

/** `url`: scheme, host and port of the RPC. Nothing is asked of it yet. */
export async function openKubo(url: string, timeoutMs: number = DEFAULT_TIMEOUT_MS): Promise<KuboNode> {
  const { create } = await import('kubo-rpc-client');
  const client = create({ url: `${url.replace(/\/+$/, '')}/api/v0` });
  const bounded = (signal?: AbortSignal): AbortSignal => {
    const timeout = AbortSignal.timeout(timeoutMs);
    return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  };
  /** Runs one call; what Kubo says no to is `KUBO_REFUSED`, silence is `KUBO_UNREACHABLE`. */
  const call = async <T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const bound = bounded(signal);
    try {
      // A connection that Kubo closed while it was idle shows only when it is used; every call here may be repeated.
      return await work(bound).catch((cause) =>
        isBrokenOff(cause) && !bound.aborted ? work(bound) : Promise.reject(cause),
      );
    } catch (cause) {
      signal?.throwIfAborted();
      throw explain(cause, url);
    }
  };
  const isPinned = (cid: CID) =>
    call(async (signal) => {
      for await (const _ of client.pin.ls({ paths: [cid], type: 'recursive', signal })) return true;
      return false;
    }).catch(unless(/not pinned/));
  return {
    blockstore: createBlockstore(client, url, call),
    pin: (cid, signal) => call((bound) => client.pin.add(cid, { signal: bound }), signal).then(() => {}),
    async unpin(cid) {
      await call((signal) => client.pin.rm(cid, { signal })).catch(unless(/not pinned/));
    },
    isPinned,
  };
}

const isBrokenOff = (cause: unknown): boolean =>
  cause instanceof Error && !(cause instanceof FedaiError) && cause.name !== 'HTTPError';

type Call = <T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal) => Promise<T>;

function createBlockstore(client: KuboRPCClient, url: string, call: Call): HeliaBlockstore {
  const has = (cid: CID, { signal }: CallOptions = {}) => {
    const offline = { offline: true };
    return call((bound) => client.block.stat(cid, { ...offline, signal: bound }), signal)
      .then(() => true)
      .catch(unless(/not found|could not find/i));
  };
  const put = async (cid: CID, block: Uint8Array, { signal }: CallOptions = {}) => {
    const as = { cidCodec: CODEC_NAMES.get(cid.code) ?? 'raw', mhtype: 'sha2-256', allowBigBlock: true };
    const stored = await call((bound) => client.block.put(block, { ...as, signal: bound }), signal);
    if (!stored.equals(cid)) throw wrongBytes(cid);
    return cid;
  };
  const get = (cid: CID, { signal }: CallOptions = {}) => call((bound) => getBlock(url, cid, bound), signal);
  const store = {
    has,
    put: async (
      cid: CID,
      given: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
      options?: CallOptions,
    ) => put(cid, given instanceof Uint8Array ? given : await joined(given), options),
    async *get(cid: CID, options?: CallOptions) {
      yield await get(cid, options);
    },
    // Others may use this Kubo too: its own garbage collection decides.
    async delete() {},
    async *putMany(source: Parameters<HeliaBlockstore['putMany']>[0], options?: CallOptions) {
      for await (const { cid, bytes } of source) yield await store.put(cid, bytes, options);
    },
    async *getMany(source: AsyncIterable<CID> | Iterable<CID>, options?: CallOptions) {
      for await (const cid of source) yield { cid, bytes: store.get(cid, options) };
    },
    async *deleteMany(source: AsyncIterable<CID> | Iterable<CID>) {
      for await (const cid of source) yield cid;
    },
    async *getAll(): AsyncGenerator<never> {},
  };
  return store;
}

async function joined(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return new Uint8Array(Buffer.concat(all));
}

/** Not by the client library, which would take in an answer of any length. */
async function getBlock(url: string, cid: CID, signal: AbortSignal): Promise<Uint8Array> {
  const address = `${url.replace(/\/+$/, '')}/api/v0/block/get?arg=${cid}&offline=true`;
  const response = await fetch(address, { method: 'POST', signal });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new FedaiError(
      'CONTENT_NOT_FOUND',
      'Kubo does not have this block',
      { cid: cid.toString(), status: response.status },
      { transient: true, remedy: 'check the id, or wait until a peer that pins it is online' },
    );
  }
  const block = await readBounded(response.body, cid);
  if (!isBlockOf(cid, block)) throw wrongBytes(cid);
  return block;
}

const wrongBytes = (cid: CID): FedaiError =>
  new FedaiError(
    'BAD_CONTENT',
    'Kubo has other bytes than this id names',
    { cid: cid.toString(), expected: `<= ${MAX_BLOCK_BYTES} bytes` },
    { remedy: 'run `ipfs repo verify` there, or use another Kubo' },
  );

function explain(cause: unknown, url: string): FedaiError {
  if (cause instanceof FedaiError) return cause;
  if (cause instanceof Error && cause.name === 'HTTPError') {
    const reason = cause.message.slice(0, 200);
    return new FedaiError(
      'KUBO_REFUSED',
      `Kubo refused: ${reason}`,
      { url, reason },
      { cause, transient: true, remedy: 'look into the log of Kubo' },
    );
  }
  return new FedaiError(
    'KUBO_UNREACHABLE',
    'the Kubo node does not answer',
    { url },
    { cause, transient: true, remedy: 'check that Kubo runs and that --ipfs is the address of its RPC' },
  );
}

/** Turns a refusal with these words into false. */
function unless(words: RegExp): (error: unknown) => false {
  return (error) => {
    if (error instanceof FedaiError && error.code === 'KUBO_REFUSED' && words.test(error.message))
      return false;
    throw error;
  };
}
