/**
 * Committed state by root hash: tries over a node source, contract code, and a bounded memory of opened tries.
 * Owns no writing; new nodes and code leave as `StateWrites` and are stored with their block.
 */
import { FedaiError, toHex } from '../../core/index.ts';
import { EMPTY_ROOT, type NewNode, type NodeSource, Trie } from './trie.ts';

export interface StateSource extends NodeSource {
  code(hash: Uint8Array): Uint8Array | undefined;
}

/** What a block adds to the state database. Nothing is ever deleted, so older heights stay readable. */
export interface StateWrites {
  readonly nodes: readonly NewNode[];
  readonly codes: readonly (readonly [hash: Uint8Array, code: Uint8Array])[];
  /** The sealed tries by root in hex, to be remembered once the block is committed. */
  readonly tries: ReadonlyMap<string, Trie>;
}

/** Opened tries kept in memory: a few hundred hot contracts, and the account tries of recent heights. */
const REMEMBERED_TRIES = 512;
/** Nodes read (about 500 bytes each when decoded) after which everything remembered is dropped. */
const REMEMBERED_NODES = 200_000;
/** Contracts whose code stays in memory; at most 24 KiB each (EIP-170). */
const REMEMBERED_CODES = 256;

export class StateDb {
  readonly #source: StateSource;
  readonly #tries = new Map<string, Trie>();
  readonly #codes = new Map<string, Uint8Array>();
  #nodesRead = 0;

  constructor(source: StateSource) {
    const counting: StateSource = {
      node: (hash) => {
        this.#nodesRead++;
        return source.node(hash);
      },
      code: (hash) => source.code(hash),
    };
    this.#source = counting;
  }

  get source(): StateSource {
    return this.#source;
  }

  /** A trie of its own for the caller, at a committed root (32 bytes). */
  trie(root: Uint8Array): Trie {
    const name = toHex(root);
    const known = this.#tries.get(name);
    if (known !== undefined) return known.fork();
    const opened = new Trie(this.#source, root);
    this.#remember(name, opened);
    return opened.fork();
  }

  emptyTrie(): Trie {
    return new Trie(this.#source, EMPTY_ROOT);
  }

  /** The same array for the same hash as long as it is remembered: what is known of it may be kept by it. Throws `STATE_MISSING`. */
  code(hash: Uint8Array): Uint8Array {
    const name = toHex(hash);
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    const code = this.#source.code(hash);
    if (code === undefined) {
      throw new FedaiError(
        'STATE_MISSING',
        'contract code is not in the database',
        { hash: name },
        { remedy: 'restore the data directory from a copy, or delete it and synchronise again' },
      );
    }
    this.#codes.set(name, code);
    if (this.#codes.size > REMEMBERED_CODES) this.#codes.delete(this.#codes.keys().next().value!);
    return code;
  }

  /** Call when `writes` are on disk. */
  committed(writes: StateWrites): void {
    for (const [name, trie] of writes.tries) this.#remember(name, trie);
  }

  #remember(name: string, trie: Trie): void {
    if (this.#nodesRead > REMEMBERED_NODES) {
      this.#tries.clear();
      this.#nodesRead = 0;
    }
    this.#tries.delete(name);
    this.#tries.set(name, trie);
    if (this.#tries.size > REMEMBERED_TRIES) this.#tries.delete(this.#tries.keys().next().value!);
  }
}

/** State that lives in memory only: for the genesis builder and tests. */
export function memoryStateSource(): StateSource & { add(writes: StateWrites): void } {
  const nodes = new Map<string, Uint8Array>();
  const codes = new Map<string, Uint8Array>();
  return {
    node: (hash) => nodes.get(toHex(hash)),
    code: (hash) => codes.get(toHex(hash)),
    add(writes) {
      for (const [hash, rlp] of writes.nodes) nodes.set(toHex(hash), rlp);
      for (const [hash, code] of writes.codes) codes.set(toHex(hash), code);
    },
  };
}
