/** Reading a UnixFS file within bounds, whatever the blocks come from: of bytes, of time, of depth and of the number of blocks. */
import type { CID } from 'multiformats/cid';
import { concatBytes, FedaiError, hostFault, parseCid } from '../core/index.ts';
import { DEFAULT_FETCH_TIMEOUT_MS, type ReadOptions } from './content.ts';
import { badContent, type FileNode, readFileNode } from './unixfs.ts';

/** As Helia and Kubo have them. */
export interface Blocks {
  get(
    cid: CID,
    options: { signal: AbortSignal; offline: boolean },
  ): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Trees of 2^50 bytes are five levels deep. */
const MAX_DEPTH = 16;
/** Blocks of a file on average hold more than this: importers make leaves of 256 KiB or 1 MiB. */
const LEAST_BLOCK_BYTES = 4_096;
/** What a short file of several levels may have beyond that. */
const SPARE_BLOCKS = 64;
/** Blocks of one node that are on their way at once. */
const FETCHED_AHEAD = 16;

type Options = ReadOptions & { offline?: boolean };

export async function readFile(blocks: Blocks, text: string, options: Options): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of readParts(blocks, text, options)) parts.push(part);
  return joined(parts);
}

/** Plain bytes, whatever kind of buffer the store hands out. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only === undefined || parts.length > 1) return concatBytes(...parts);
  return new Uint8Array(only.buffer, only.byteOffset, only.byteLength);
}

/** The file piece by piece. Throws as `ContentReader.getBytes`. */
export async function* readParts(
  blocks: Blocks,
  text: string,
  options: Options,
): AsyncGenerator<Uint8Array, void> {
  const root = parseCid(text);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS);
  // Ends fetches ahead of a read that failed or that nobody wants any more.
  const done = new AbortController();
  const outer = options.signal === undefined ? [timeout] : [timeout, options.signal];
  const signal = AbortSignal.any([...outer, done.signal]);
  const fetch = (cid: CID) => fetchNode(blocks, cid, { signal, offline: options.offline ?? false });
  try {
    const node = await fetch(root);
    const size = sizeOf(node);
    if (size > options.maxBytes) {
      throw new FedaiError('TOO_LARGE', 'content is larger than allowed', {
        cid: text,
        got: size,
        expected: `<= ${options.maxBytes} bytes`,
      });
    }
    const budget = { blocks: SPARE_BLOCKS + size / LEAST_BLOCK_BYTES };
    yield* walk(node, 1, { fetch, budget, signal });
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw explainFetch(error, text);
  } finally {
    done.abort();
  }
}

interface Walk {
  readonly fetch: (cid: CID) => Promise<FileNode>;
  readonly budget: { blocks: number };
  readonly signal: AbortSignal;
}

async function* walk({ data, links }: FileNode, depth: number, way: Walk): AsyncGenerator<Uint8Array, void> {
  if (depth > MAX_DEPTH) throw badContent('its tree is too deep', { expected: `<= ${MAX_DEPTH}` });
  way.budget.blocks -= links.length;
  if (way.budget.blocks < 0) throw badContent('it is in too many pieces');
  if (data.length > 0) yield data;
  const ahead: Promise<FileNode>[] = [];
  for (let i = 0; i < links.length; i++) {
    way.signal.throwIfAborted();
    for (let next = i + ahead.length; next < links.length && ahead.length < FETCHED_AHEAD; next++) {
      const fetching = way.fetch(links[next]!.cid);
      // It is met when its turn comes; that may be never.
      fetching.catch(() => {});
      ahead.push(fetching);
    }
    const child = await ahead.shift()!;
    const { size } = links[i]!;
    if (sizeOf(child) !== size) throw badContent('a part has another size than stated', { expected: size });
    yield* walk(child, depth + 1, way);
  }
}

const sizeOf = ({ data, links }: FileNode): number =>
  links.reduce((total, link) => total + link.size, data.length);

async function fetchNode(
  blocks: Blocks,
  cid: CID,
  options: { signal: AbortSignal; offline: boolean },
): Promise<FileNode> {
  // Links are strangers': the same kinds of id as at the root.
  parseCid(cid.toString());
  const parts: Uint8Array[] = [];
  for await (const part of blocks.get(cid, options)) parts.push(part);
  return readFileNode(cid, joined(parts));
}

export function explainFetch(error: unknown, cid: string): FedaiError {
  const trouble = hostFault(error);
  if (trouble !== undefined) return trouble;
  if (error instanceof FedaiError)
    return error.code === 'BAD_CID' ? badContent('a link is no content id', { cid }, error) : error;
  return new FedaiError(
    'CONTENT_NOT_FOUND',
    'nobody connected has this content',
    { cid },
    { transient: true, cause: error, remedy: 'check the id, or wait until a peer that pins it is online' },
  );
}
