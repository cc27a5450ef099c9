/**
 * Blocks of strangers that a node keeps for a while, so that who has no peer of their own (a web page) can put content on
 * the network. Bounded in bytes and in time; what is over is removed. Owns no rule of who may.
 */
import { Key } from 'interface-datastore';
import type { CID } from 'multiformats/cid';
import { type Clock, FedaiError, isBlockOf, type Log, parseCid, systemClock } from '../core/index.ts';

interface LedgerEntry {
  key: Key;
  value: Uint8Array;
}

/** What a Helia node has. */
export interface IntakeStores {
  readonly blockstore: {
    has(cid: CID): Promise<boolean> | boolean;
    put(cid: CID, block: Uint8Array): Promise<CID> | CID;
    delete(cid: CID): Promise<void> | void;
  };
  readonly datastore: {
    put(key: Key, value: Uint8Array): Promise<Key> | Key;
    delete(key: Key): Promise<void> | void;
    query(query: { prefix: string }): AsyncIterable<LedgerEntry> | Iterable<LedgerEntry>;
  };
}

export interface IntakeOptions {
  readonly stores: IntakeStores;
  /** Of all that is kept at a time. */
  readonly maxTotalBytes: number;
  readonly keptMs?: number;
  /** Tells the network who has it; not waited for. */
  readonly provide?: (cid: string) => void;
  readonly clock?: Clock;
  readonly log: Log;
}

export interface Intake {
  readonly maxTotalBytes: number;
  readonly keptMs: number;
  /** Bytes kept now. */
  used(): number;
  /**
   * Keeps a block, anew from now when it is kept already. Throws `BAD_CID`, `CONTENT_MISMATCH`, or `STORE_FULL` (transient)
   * when it does not fit beside what is kept.
   */
  take(cid: string, block: Uint8Array): Promise<void>;
}

interface Kept {
  bytes: number;
  until: number;
}

const PREFIX = '/fedai-intake';
/** Twice what the longest deadlines of the examples come to. */
const KEPT_MS = 14 * 24 * 3_600_000;

const keyOf = (cid: string): Key => new Key(`${PREFIX}/${cid}`);

export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { stores, maxTotalBytes, keptMs = KEPT_MS, clock = systemClock } = options;
  const kept = await readLedger(stores);
  let used = [...kept.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const forget = async (cid: string, { bytes }: Kept): Promise<void> => {
    kept.delete(cid);
    used -= bytes;
    // A block that somebody here has pinned meanwhile stays.
    await Promise.resolve(stores.blockstore.delete(parseCid(cid))).catch(() => {});
    await stores.datastore.delete(keyOf(cid));
  };
  const sweep = async (): Promise<void> => {
    const now = clock.now();
    for (const [cid, one] of kept) if (one.until <= now) await forget(cid, one);
  };
  const note = async (cid: string, bytes: number): Promise<void> => {
    const until = clock.now() + keptMs;
    if (!kept.has(cid)) used += bytes;
    kept.set(cid, { bytes, until });
    await stores.datastore.put(keyOf(cid), new TextEncoder().encode(JSON.stringify({ bytes, until })));
  };
  return {
    maxTotalBytes,
    keptMs,
    used: () => used,
    async take(text, block) {
      const cid = parseCid(text);
      if (!isBlockOf(cid, block)) throw notItsBlock(text);
      const name = cid.toString();
      if (!kept.has(name) && used + block.length > maxTotalBytes) await sweep();
      if (kept.has(name)) return note(name, block.length);
      // What is here for another reason is not ours to remove one day.
      if (await stores.blockstore.has(cid)) return;
      if (used + block.length > maxTotalBytes) throw isFull(maxTotalBytes);
      await note(name, block.length);
      await stores.blockstore.put(cid, block);
      options.provide?.(name);
      options.log.debug('took a block', { cid: name, bytes: block.length, used });
    },
  };
}

async function readLedger({ datastore }: IntakeStores): Promise<Map<string, Kept>> {
  const kept = new Map<string, Kept>();
  for await (const { key, value } of datastore.query({ prefix: PREFIX })) {
    kept.set(key.name(), JSON.parse(new TextDecoder().decode(value)) as Kept);
  }
  return kept;
}

const notItsBlock = (cid: string): FedaiError =>
  new FedaiError(
    'CONTENT_MISMATCH',
    'bytes do not hash to their content id',
    { cid },
    {
      remedy: 'send the block that the id names',
    },
  );

const isFull = (expected: number): FedaiError =>
  new FedaiError(
    'STORE_FULL',
    'this node keeps no more content of others now',
    { expected: `<= ${expected} bytes` },
    { transient: true, remedy: 'try later, another chain node, or serve the data by `fedai job post`' },
  );
