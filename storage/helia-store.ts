/** A content store on a Helia node: on disk alone, or with the network behind it. Owns pins and reads; not the node's life. */
import { type UnixFS, unixfs } from '@helia/unixfs';
import type { Helia } from 'helia';
import type { CID } from 'multiformats/cid';
import { isBlockOf, type Log, parseCid } from '../core/index.ts';
import type { Requests } from '../net/index.ts';

import { type ContentStore, DEFAULT_FETCH_TIMEOUT_MS, type ReadOptions } from './content.ts';
import { blocksFrom } from './nearby.ts';
import { createProviding } from './providing.ts';
import { type Blocks, explainFetch, readFile, readParts } from './read.ts';

/** A gateway asks the network for a block only this long, so that an unknown id does not hold a request. */
const GATEWAY_TIMEOUT_MS = 10_000;
/** Only bounds a local walk whose result is thrown away. */
const ANY_SIZE = Number.MAX_SAFE_INTEGER;

/** `requests`: reaches the peers that readers name; without it all are asked. */
export function createHeliaStore(helia: Helia, online: boolean, log: Log, requests?: Requests): ContentStore {
  const files: UnixFS = unixfs(helia);

  const providing = online ? createProviding(helia.routing, log) : undefined;
  const blocksOf = (from: string | undefined): Blocks =>
    from === undefined || requests === undefined
      ? helia.blockstore
      : blocksFrom(from, requests, helia.blockstore);
  const provide = async (cid: CID): Promise<void> => providing?.tell(cid);

  return {
    putBytes: async (bytes) => (await files.addBytes(bytes)).toString(),
    putStream: async (source) => (await files.addByteStream(source)).toString(),
    getBytes: (cid, { from, ...options }) => readFile(blocksOf(from), cid, { ...options, offline: !online }),
    async pin(text, { tell = true, ...options } = {}) {
      await pin(helia, online, text, options);
      if (tell) void provide(parseCid(text));
    },
    async unpin(text) {
      const cid = parseCid(text);
      if (!(await isPinRoot(helia, cid))) return;
      for await (const _ of helia.pins.rm(cid));
    },
    isPinned: (text) => isPinRoot(helia, parseCid(text)),
    hasLocal: (text) =>
      readFile(helia.blockstore, text, { maxBytes: ANY_SIZE, offline: true }).then(
        () => true,
        () => false,
      ),
    rawBlock: (text, options = {}) => rawBlock(helia, parseCid(text), { offline: !online, ...options }),
    provide: (text) => provide(parseCid(text)),
  };
}

async function isPinRoot(helia: Helia, cid: CID): Promise<boolean> {
  for await (const _ of helia.pins.ls({ cid })) return true;
  return false;
}

async function pin(
  helia: Helia,
  online: boolean,
  text: string,
  options: Partial<ReadOptions>,
): Promise<void> {
  const cid = parseCid(text);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  if (await isPinRoot(helia, cid)) return;
  try {
    // Helia's own walks leave a rejection behind that nobody handles when a block does not come, which ends a process.
    const reading = { maxBytes: ANY_SIZE, ...options, offline: !online };
    for await (const _ of readParts(helia.blockstore, text, reading));
    for await (const _ of helia.pins.add(cid, { signal }));
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof Error && error.name === 'AlreadyPinnedError') return;
    throw explainFetch(error, text);
  }
}

async function rawBlock(
  helia: Helia,
  cid: CID,
  options: { offline?: boolean; timeoutMs?: number },
): Promise<Uint8Array | undefined> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? GATEWAY_TIMEOUT_MS);
  try {
    const parts: Uint8Array[] = [];
    for await (const part of helia.blockstore.get(cid, { signal, offline: options.offline ?? false })) {
      parts.push(part);
    }
    const block = parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
    // A block that rotted on disk must not be served under its old name.
    return isBlockOf(cid, block) ? block : undefined;
  } catch {
    return undefined;
  }
}
