/**
 * What the libp2p host remembers. Each stream reads and writes its peer's record several times, so those live in memory
 * and go to disk a little later, in batches, to be there after a restart; losing the last seconds of them loses nothing
 * but a dial. All other records (the DHT's) go straight to disk, where strangers may fill no memory.
 */
import { BaseDatastore, MemoryDatastore } from 'datastore-core';
import type { LevelDatastore } from 'datastore-level';
import { Key, type KeyQuery, type Pair, type Query } from 'interface-datastore';
import type { Log } from '../core/index.ts';

/** Where libp2p's peer store keeps its records. */
const PEERS_PREFIX = '/peers/';
const FLUSH_EVERY_MS = 2_000;

const isPeer = (key: Key): boolean => key.toString().startsWith(PEERS_PREFIX);
const isPeerQuery = ({ prefix }: { prefix?: string }): boolean => prefix?.startsWith(PEERS_PREFIX) ?? false;

export class PeerRecords extends BaseDatastore {
  readonly #disk: LevelDatastore;
  readonly #log: Log;
  readonly #peers = new MemoryDatastore();
  readonly #dirty = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(disk: LevelDatastore, log: Log) {
    super();
    this.#disk = disk;
    this.#log = log;
  }

  /** Reads what an earlier run left, then writes changes behind until `close`. */
  async open(): Promise<void> {
    for await (const { key, value } of this.#disk.query({ prefix: PEERS_PREFIX }))
      this.#peers.put(key, value);
    this.#timer = setInterval(() => void this.#flush(), FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
  }

  override put(key: Key, value: Uint8Array) {
    if (!isPeer(key)) return this.#disk.put(key, value);
    this.#dirty.add(key.toString());
    return this.#peers.put(key, value);
  }

  override get(key: Key) {
    return isPeer(key) ? this.#peers.get(key) : this.#disk.get(key);
  }

  override has(key: Key) {
    return isPeer(key) ? this.#peers.has(key) : this.#disk.has(key);
  }

  override delete(key: Key) {
    if (!isPeer(key)) return this.#disk.delete(key);
    this.#dirty.add(key.toString());
    return this.#peers.delete(key);
  }

  override async *_all(query: Query): AsyncGenerator<Pair> {
    yield* isPeerQuery(query) ? this.#peers.query(query) : this.#disk.query(query);
  }

  override async *_allKeys(query: KeyQuery): AsyncGenerator<Key> {
    yield* isPeerQuery(query) ? this.#peers.queryKeys(query) : this.#disk.queryKeys(query);
  }

  /** What changes while it writes is written the next time, and so is what could not be written. */
  async #flush(): Promise<void> {
    const names = [...this.#dirty];
    if (names.length === 0) return;
    this.#dirty.clear();
    try {
      const batch = this.#disk.batch();
      for (const name of names) {
        const key = new Key(name);
        if (await this.#peers.has(key)) batch.put(key, await this.#peers.get(key));
        else batch.delete(key);
      }
      await batch.commit();
    } catch (error) {
      for (const name of names) this.#dirty.add(name);
      this.#log.warn('known peers could not be saved', { error });
    }
  }
}
