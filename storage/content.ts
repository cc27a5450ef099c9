/** What every content store offers. Files are UnixFS with 1 MiB raw leaves, so the same bytes always have the same id. */

export interface ReadOptions {
  /** A longer file throws `TOO_LARGE`; nothing beyond is fetched. */
  maxBytes: number;
  /** Default 60 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Peer id of who is known to have it: asked first. */
  from?: string;
}

export interface PinOptions extends ReadOptions {
  /** False for what only neighbours ask for: no provider record is placed. */
  tell: boolean;
}

export interface ContentReader {
  /** The file under `cid`, every block checked against its hash. Throws `BAD_CID`, `CONTENT_NOT_FOUND` (transient), `TOO_LARGE`, `BAD_CONTENT`. */
  getBytes(cid: string, options: ReadOptions): Promise<Uint8Array>;
}

export interface ContentStore extends ContentReader {
  /** Stores a file and answers its id. Neighbours that ask get it; others hear of it once it is pinned or provided. */
  putBytes(bytes: Uint8Array): Promise<string>;
  putStream(source: AsyncIterable<Uint8Array>): Promise<string>;
  /**
   * Fetches the whole file if need be and keeps it. Pinning twice is no error. A file of a stranger gets `maxBytes`: a
   * longer one throws `TOO_LARGE` before any of it is fetched. Tells the DHT, in the background.
   */
  pin(cid: string, options?: Partial<PinOptions>): Promise<void>;
  unpin(cid: string): Promise<void>;
  isPinned(cid: string): Promise<boolean>;
  /** Whether every block of the file is on this disk. */
  hasLocal(cid: string): Promise<boolean>;
  /** One block, for a gateway; from the network too unless `offline`. Undefined when nobody has it in time. */
  rawBlock(cid: string, options?: { offline?: boolean; timeoutMs?: number }): Promise<Uint8Array | undefined>;
  /** Tells the DHT that this process has `cid`; failing is not an error (neighbours are asked directly anyway). */
  provide(cid: string): Promise<void>;
}

export const DEFAULT_FETCH_TIMEOUT_MS = 60_000;
