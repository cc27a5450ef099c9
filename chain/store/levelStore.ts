/**
 * The chain on LevelDB. A height, its state nodes and the pointer to it are one synced batch, so a process killed
 * at any instant leaves the last whole height. Owns layout and versions, no rules.
 */
import { mkdir } from 'node:fs/promises';
import type { Common } from '@ethereumjs/common';
import { ClassicLevel } from 'classic-level';
import {
  bytesToBigInt,
  equalBytes,
  FedaiError,
  hostFault,
  toHex,
  uintBytes,
  utf8,
} from '../../core/index.ts';
import { decodeCommit, encodeCommit } from '../../light/index.ts';
import { decodeBlock, encodeBlock } from '../block.ts';
import type { StateSource } from '../execution/index.ts';
import type { Block } from '../types.ts';
import { checksOf, createGuard, damage, type Guard, type Part } from './damage.ts';
import { keys } from './keys.ts';
import { decodePlace, decodeReceipts, encodePlace, encodeReceipts } from './records.ts';
import type { ChainStore, StoredHeight } from './types.ts';

/** Raise it when the layout changes, and say in the changelog how to move on. */
const FORMAT = 'fedai-chain-db/1';
/** Of LevelDB's block cache: state reads of a busy chain fit; four chain nodes share one small machine. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Kept decoded. */
const RECENT_BLOCKS = 8;

type Db = ClassicLevel<Uint8Array, Uint8Array>;

export interface OpenStoreOptions {
  readonly directory: string;
  readonly common: Common;
  /** Height 0; written to an empty directory, compared with a filled one. */
  readonly genesis: StoredHeight;
  /** Hears of every trouble of the machine that a read or write meets; going on would be unsafe. */
  readonly onFault?: (fault: FedaiError) => void;
}

/** Heights whose presence is checked at the start: LevelDB's log, of which it drops damaged parts in silence, holds fewer. */
const CHECKED_HEIGHTS = 4096;

/** Throws `DATABASE_LOCKED`, `DATABASE_UNREADABLE`, `DATABASE_VERSION`, `DATABASE_DAMAGED`, `WRONG_CHAIN`, and trouble of the machine. */
export async function openStore(options: OpenStoreOptions): Promise<ChainStore> {
  const db = await openDatabase(options.directory);
  try {
    const guard = createGuard(options.directory, options.onFault ?? (() => {}));
    const format = guard.reading(() => db.getSync(keys.meta('format')));
    if (format === undefined) await writeHeight(db, guard, options.genesis, true);
    else checkIdentity(db, format, options);
    guard.reading(() => checkRecent(db, options.directory));
    return levelStore(db, guard, options.common);
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDatabase(directory: string): Promise<Db> {
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw hostFault(cause, directory) ?? unreadable(directory, cause);
  });
  const db: Db = new ClassicLevel(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    cacheSize: CACHE_BYTES,
  });
  try {
    await db.open();
  } catch (failure) {
    const cause = failure instanceof Error && failure.cause !== undefined ? failure.cause : failure;
    if ((cause as { code?: string }).code === 'LEVEL_LOCKED') {
      throw new FedaiError(
        'DATABASE_LOCKED',
        'another process uses this data directory',
        { directory },
        { cause, remedy: 'stop the other chain node, or give this one its own data directory' },
      );
    }
    throw explainOpen(directory, cause);
  }
  return db;
}

function explainOpen(directory: string, cause: unknown): FedaiError {
  const trouble = hostFault(cause, directory);
  if (trouble?.code === 'DATA_DAMAGED') return damage(directory, 'table', cause);
  return trouble ?? unreadable(directory, cause);
}

/** Throws `DATABASE_DAMAGED` when a recent height is missing. A height is one batch: if its block is there, all of it is. */
function checkRecent(db: Db, directory: string): void {
  const stored = db.getSync(keys.meta('head'));
  if (stored === undefined) throw damage(directory, 'head');
  const head = Number(bytesToBigInt(stored));
  for (let height = head; height >= Math.max(0, head - CHECKED_HEIGHTS); height--) {
    if (db.getSync(keys.block(height)) === undefined) throw damage(directory, `height ${height}`);
  }
}

const unreadable = (directory: string, cause: unknown): FedaiError =>
  new FedaiError(
    'DATABASE_UNREADABLE',
    'the chain database cannot be opened',
    { directory },
    { cause, remedy: 'check permissions and free space; if it is damaged, delete it and synchronise again' },
  );

function checkIdentity(db: Db, format: Uint8Array, { directory, genesis }: OpenStoreOptions): void {
  const got = new TextDecoder().decode(format);
  if (got !== FORMAT) {
    throw new FedaiError(
      'DATABASE_VERSION',
      'the chain database has another version',
      { directory, got, expected: FORMAT },
      { remedy: 'use the release that made it, or delete it and synchronise again' },
    );
  }
  const first = db.getSync(keys.meta('genesis'));
  if (first !== undefined && equalBytes(first, genesis.hash)) return;
  throw new FedaiError(
    'WRONG_CHAIN',
    'the data directory belongs to another chain',
    { directory, got: first === undefined ? null : toHex(first), expected: toHex(genesis.hash) },
    { remedy: 'use the chain-spec file it was made with, or another data directory' },
  );
}

async function writeHeight(db: Db, guard: Guard, stored: StoredHeight, isGenesis: boolean): Promise<void> {
  const height = Number(stored.block.header.number);
  const batch = db.batch();
  const put = (key: Uint8Array, value: Uint8Array) => batch.put(key, value);
  for (const [hash, rlp] of stored.writes.nodes) put(keys.node(hash), rlp);
  for (const [hash, code] of stored.writes.codes) put(keys.code(hash), code);
  const block = encodeBlock(stored.block);
  const receipts = encodeReceipts(stored.receipts);
  const commit = stored.commit === null ? undefined : encodeCommit(stored.commit);
  put(keys.block(height), block);
  put(keys.receipts(height), receipts);
  if (commit !== undefined) put(keys.commit(height), commit);
  put(keys.checks(height), checksOf({ block, commit, receipts }));
  put(keys.bloom(height), stored.block.header.logsBloom);
  put(keys.heightByHash(stored.hash), uintBytes(height, 8));
  for (const [index, hash] of stored.transactionHashes.entries()) {
    put(keys.transaction(hash), encodePlace({ height, index }));
  }
  if (isGenesis) {
    put(keys.meta('format'), utf8(FORMAT));
    put(keys.meta('genesis'), stored.hash);
  }
  put(keys.meta('head'), uintBytes(height, 8));
  await batch.write({ sync: true }).catch((cause: unknown) => {
    throw guard.fault(hostFault(cause, db.location) ?? unwritable(height, cause));
  });
}

const unwritable = (height: number, cause: unknown): FedaiError =>
  new FedaiError(
    'DATABASE_WRITE',
    'a block could not be written',
    { height },
    { cause, remedy: 'check free space and permissions of the data directory, then start again' },
  );

function levelStore(db: Db, guard: Guard, common: Common): ChainStore {
  let height = Number(bytesToBigInt(db.getSync(keys.meta('head'))!));
  const get = (key: Uint8Array) => guard.reading(() => db.getSync(key));
  const state: StateSource = {
    node: (hash) => guard.addressed(get(keys.node(hash)), hash),
    code: (hash) => guard.addressed(get(keys.code(hash)), hash),
  };
  const part = (name: Part, at: number): Uint8Array | undefined => {
    const bytes = get(keys[name](at));
    return bytes === undefined ? undefined : guard.part(name, bytes, get(keys.checks(at)));
  };
  /** Whoever asks where the chain stands asks for one of the last. */
  const recent = new Map<number, Block>();
  const blockAt = (at: number): Block | undefined => {
    const known = recent.get(at);
    if (known !== undefined) return known;
    const bytes = part('block', at);
    if (bytes === undefined) return undefined;
    const block = decodeBlock(bytes, common);
    if (at > height - RECENT_BLOCKS) recent.set(at, block);
    if (recent.size > RECENT_BLOCKS) recent.delete(recent.keys().next().value!);
    return block;
  };
  const read = <T>(bytes: Uint8Array | undefined, decode: (bytes: Uint8Array) => T): T | undefined =>
    bytes === undefined ? undefined : decode(bytes);
  return {
    get height() {
      return height;
    },
    state,
    async append(stored) {
      const next = Number(stored.block.header.number);
      if (next !== height + 1) {
        throw new FedaiError('INVARIANT', 'heights are stored in order', { got: next, expected: height + 1 });
      }
      await writeHeight(db, guard, stored, false);
      height = next;
    },
    block: blockAt,
    encodedBlock: (at) => part('block', at),
    commit: (at) => read(part('commit', at), decodeCommit),
    receipts: (at) => read(part('receipts', at), decodeReceipts),
    heightOf: (hash) => read(get(keys.heightByHash(hash)), (bytes) => Number(bytesToBigInt(bytes))),
    placeOf: (hash) => read(get(keys.transaction(hash)), decodePlace),
    heightsMatching: (from, to, test) => matchingHeights(db, from, to, test),
    close: () => db.close(),
  };
}

async function* matchingHeights(
  db: Db,
  from: number,
  to: number,
  test: (bloom: Uint8Array) => boolean,
): AsyncIterable<number> {
  for await (const [key, bloom] of db.iterator({ gte: keys.bloom(from), lte: keys.bloom(to) })) {
    if (test(bloom)) yield Number(bytesToBigInt(key.subarray(1)));
  }
}
