/**
 * Uncommitted state of one block or call: flat maps with an undo journal over a committed root.
 * Implements what ethereumjs asks of a state manager; tries are touched only by reads that miss and by `seal`.
 */
import type { AccountFields, StateManagerInterface } from '@ethereumjs/common';
import { decode } from '@ethereumjs/rlp';
import { OriginalStorageCache } from '@ethereumjs/statemanager';
import {
  Account,
  type Address,
  bytesToHex,
  createAccountFromRLP,
  hexToBytes,
  KECCAK256_NULL,
  type PrefixedHexString,
} from '@ethereumjs/util';
import { equalBytes, FedaiError } from '../../core/index.ts';
import { fastKeccak } from './common.ts';
import type { StateDb, StateWrites } from './stateDb.ts';
import { EMPTY_ROOT, type NewNode, type Trie } from './trie.ts';
import { rlpString } from './trieNodes.ts';

const NOTHING = new Uint8Array(0);
/** Hashes of addresses and slots kept between blocks; about 200 bytes each. */
const REMEMBERED_KEYS = 100_000;
const hashedKeys = new Map<string, Uint8Array>();

function hashKey(name: string): Uint8Array {
  const known = hashedKeys.get(name);
  if (known !== undefined) return known;
  if (hashedKeys.size >= REMEMBERED_KEYS) hashedKeys.clear();
  const hash = fastKeccak(hexToBytes(name as PrefixedHexString));
  hashedKeys.set(name, hash);
  return hash;
}

const copyOf = (account: Account): Account =>
  new Account(account.nonce, account.balance, account.storageRoot, account.codeHash);

function unpad(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length && value[start] === 0) start++;
  return start === 0 ? value : value.slice(start);
}

export class OverlayState implements StateManagerInterface {
  readonly #db: StateDb;
  #trie: Trie;
  /** Accounts as read from the base; undefined: there is none. Their storage roots are the base's. */
  readonly #base = new Map<string, Account | undefined>();
  readonly #storageTries = new Map<string, Trie>();
  readonly #accounts = new Map<string, Account | undefined>();
  readonly #storage = new Map<string, Map<string, Uint8Array>>();
  readonly #baseStorage = new Map<string, Map<string, Uint8Array>>();
  /** Accounts whose base storage no longer counts. */
  readonly #cleared = new Set<string>();
  readonly #codes = new Map<string, Uint8Array>();
  readonly #undo: (() => void)[] = [];
  readonly #checkpoints: number[] = [];
  readonly originalStorageCache: OriginalStorageCache;

  constructor(db: StateDb, root: Uint8Array) {
    this.#db = db;
    this.#trie = db.trie(root);
    this.originalStorageCache = new OriginalStorageCache(this.getStorage.bind(this));
  }

  /** Forgets everything and starts from another committed root. */
  reset(root: Uint8Array): void {
    this.#trie = this.#db.trie(root);
    for (const map of [this.#base, this.#storageTries, this.#accounts, this.#storage, this.#codes])
      map.clear();
    this.#baseStorage.clear();
    this.#cleared.clear();
    this.#undo.length = 0;
    this.#checkpoints.length = 0;
    this.originalStorageCache.clear();
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const found = this.#account(address.toString());
    return found === undefined ? undefined : copyOf(found);
  }

  #account(name: string): Account | undefined {
    return this.#accounts.has(name) ? this.#accounts.get(name) : this.#baseAccount(name);
  }

  #baseAccount(name: string): Account | undefined {
    if (this.#base.has(name)) return this.#base.get(name);
    const rlp = this.#trie.get(hashKey(name));
    const account = rlp === undefined ? undefined : createAccountFromRLP(rlp);
    this.#base.set(name, account);
    return account;
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    this.#set(this.#accounts, address.toString(), account === undefined ? undefined : copyOf(account));
  }

  async deleteAccount(address: Address): Promise<void> {
    const name = address.toString();
    this.#set(this.#accounts, name, undefined);
    this.#clear(name);
  }

  async modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const account = (await this.getAccount(address)) ?? new Account();
    account.nonce = fields.nonce ?? account.nonce;
    account.balance = fields.balance ?? account.balance;
    account.codeHash = fields.codeHash ?? account.codeHash;
    await this.putAccount(address, account);
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    const codeHash = fastKeccak(code);
    if (code.length > 0) this.#codes.set(bytesToHex(codeHash), code);
    await this.modifyAccountFields(address, { codeHash });
  }

  async getCode(address: Address): Promise<Uint8Array> {
    const account = this.#account(address.toString());
    if (account === undefined || equalBytes(account.codeHash, KECCAK256_NULL)) return NOTHING;
    return this.#codes.get(bytesToHex(account.codeHash)) ?? this.#db.code(account.codeHash);
  }

  async getCodeSize(address: Address): Promise<number> {
    return (await this.getCode(address)).length;
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    const name = address.toString();
    const slot = bytesToHex(key);
    const changed = this.#storage.get(name)?.get(slot);
    if (changed !== undefined) return changed;
    return this.#cleared.has(name) ? NOTHING : this.#baseSlot(name, slot);
  }

  #baseSlot(name: string, slot: string): Uint8Array {
    let slots = this.#baseStorage.get(name);
    if (slots === undefined) {
      slots = new Map();
      this.#baseStorage.set(name, slots);
    }
    let value = slots.get(slot);
    if (value === undefined) {
      const rlp = this.#storageTrie(name).get(hashKey(slot));
      value = rlp === undefined ? NOTHING : (decode(rlp) as Uint8Array);
      slots.set(slot, value);
    }
    return value;
  }

  #storageTrie(name: string): Trie {
    let trie = this.#storageTries.get(name);
    if (trie === undefined) {
      trie = this.#db.trie(this.#baseAccount(name)?.storageRoot ?? EMPTY_ROOT);
      this.#storageTries.set(name, trie);
    }
    return trie;
  }

  async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    const name = address.toString();
    let slots = this.#storage.get(name);
    if (slots === undefined) {
      slots = new Map();
      this.#storage.set(name, slots);
    }
    this.#set(slots, bytesToHex(key), unpad(value));
  }

  async clearStorage(address: Address): Promise<void> {
    this.#clear(address.toString());
  }

  #clear(name: string): void {
    const slots = this.#storage.get(name);
    if (slots !== undefined) {
      this.#storage.delete(name);
      this.#undo.push(() => this.#storage.set(name, slots));
    } else {
      this.#undo.push(() => this.#storage.delete(name));
    }
    if (this.#cleared.has(name)) return;
    this.#cleared.add(name);
    this.#undo.push(() => this.#cleared.delete(name));
  }

  #set<T>(map: Map<string, T>, key: string, value: T): void {
    const had = map.has(key);
    const before = map.get(key) as T;
    this.#undo.push(had ? () => map.set(key, before) : () => map.delete(key));
    map.set(key, value);
  }

  /** Whether every checkpoint was committed or reverted. */
  get isSettled(): boolean {
    return this.#checkpoints.length === 0;
  }

  async checkpoint(): Promise<void> {
    this.#checkpoints.push(this.#undo.length);
  }

  async commit(): Promise<void> {
    this.#checkpoints.pop();
    if (this.#checkpoints.length === 0) this.#undo.length = 0;
  }

  async revert(): Promise<void> {
    const mark = this.#checkpoints.pop() ?? 0;
    while (this.#undo.length > mark) this.#undo.pop()!();
  }

  /** Applies every change to the tries and hashes them once. The overlay must be `reset` before further use. */
  seal(): { stateRoot: Uint8Array; writes: StateWrites } {
    if (this.#checkpoints.length > 0) {
      throw new FedaiError('INVARIANT', 'state sealed inside a checkpoint', {
        depth: this.#checkpoints.length,
      });
    }
    const nodes: NewNode[] = [];
    const tries = new Map<string, Trie>();
    const found = (node: NewNode) => nodes.push(node);
    const changed = new Set([...this.#accounts.keys(), ...this.#storage.keys(), ...this.#cleared]);
    for (const name of [...changed].sort()) this.#sealAccount(name, found, tries);
    const stateRoot = this.#trie.seal(found);
    tries.set(bytesToHex(stateRoot), this.#trie);
    const codes = [...this.#codes].map(
      ([hash, code]) => [hexToBytes(hash as PrefixedHexString), code] as const,
    );
    return { stateRoot, writes: { nodes, codes, tries } };
  }

  #sealAccount(name: string, found: (node: NewNode) => void, tries: Map<string, Trie>): void {
    const account = this.#account(name);
    if (account === undefined) {
      this.#trie.delete(hashKey(name));
      return;
    }
    const storageRoot = this.#sealStorage(name, found, tries);
    const sealed = new Account(account.nonce, account.balance, storageRoot, account.codeHash);
    this.#trie.put(hashKey(name), sealed.serialize());
  }

  #sealStorage(name: string, found: (node: NewNode) => void, tries: Map<string, Trie>): Uint8Array {
    const slots = this.#storage.get(name);
    const cleared = this.#cleared.has(name);
    if (slots === undefined) {
      return cleared ? EMPTY_ROOT : (this.#baseAccount(name)?.storageRoot ?? EMPTY_ROOT);
    }
    const trie = cleared ? this.#db.emptyTrie() : this.#storageTrie(name);
    for (const [slot, value] of slots) {
      if (value.length === 0) trie.delete(hashKey(slot));
      else trie.put(hashKey(slot), rlpString(value));
    }
    const root = trie.seal(found);
    tries.set(bytesToHex(root), trie);
    return root;
  }

  /** Every account that differs from the base, with plain slot keys: how a genesis state is written down. */
  *changes(): Generator<{
    address: string;
    account: Account;
    code: Uint8Array;
    storage: Map<string, Uint8Array>;
  }> {
    for (const address of [...this.#accounts.keys()].sort()) {
      const account = this.#accounts.get(address);
      if (account === undefined) continue;
      const code = this.#codes.get(bytesToHex(account.codeHash)) ?? NOTHING;
      const slots = [...(this.#storage.get(address) ?? [])].filter(([, value]) => value.length > 0).sort();
      yield { address, account, code, storage: new Map(slots) };
    }
  }

  async getStateRoot(): Promise<Uint8Array> {
    throw new FedaiError('INVARIANT', 'state is hashed once a block, by seal()');
  }

  async setStateRoot(): Promise<void> {
    throw new FedaiError('INVARIANT', 'an overlay changes its root by reset() only');
  }

  async hasStateRoot(): Promise<boolean> {
    return true;
  }

  clearCaches(): void {}

  shallowCopy(): StateManagerInterface {
    throw new FedaiError('INVARIANT', 'an overlay belongs to one execution');
  }
}
