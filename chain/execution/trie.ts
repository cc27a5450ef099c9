/**
 * A Merkle Patricia trie that is changed in memory and hashed once, when `seal` is asked for.
 * Nodes are never changed after they are built, so tries of different blocks share what they have in common.
 * Keys must be prefix-free (hashes, or RLP integers); there are no values in branches.
 */
import { concatBytes, FedaiError, toHex } from '../../core/index.ts';
import { fastKeccak } from './common.ts';
import {
  type Branch,
  decodeNode,
  type Extension,
  encodeNode,
  hashRef,
  type Leaf,
  type Node,
  nibblesOf,
  type Unread,
  unread,
} from './trieNodes.ts';

/** Keccak-256 of the RLP of nothing: the root of a trie without keys. */
export const EMPTY_ROOT: Uint8Array = fastKeccak(Uint8Array.of(0x80));

export interface NodeSource {
  /** RLP of the node with this hash. */
  node(hash: Uint8Array): Uint8Array | undefined;
}

/** Nodes that came into being, as hash and RLP. */
export type NewNode = readonly [hash: Uint8Array, rlp: Uint8Array];
type Read = Exclude<Node, Unread>;

export class Trie {
  #root: Node | null;
  readonly #source: NodeSource;

  constructor(source: NodeSource, root: Uint8Array | Node | null) {
    this.#source = source;
    if (!(root instanceof Uint8Array)) this.#root = root;
    else this.#root = equalHash(root, EMPTY_ROOT) ? null : unread(root);
  }

  /** A trie that starts from the same nodes and changes on its own. */
  fork(): Trie {
    return new Trie(this.#source, this.#root);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#root === null) return undefined;
    this.#root = this.#read(this.#root);
    return this.#find(this.#root, nibblesOf(key));
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#root = this.#insert(this.#root, nibblesOf(key), value);
  }

  delete(key: Uint8Array): void {
    this.#root = this.#remove(this.#root, nibblesOf(key));
  }

  /** Hashes what changed; `found` receives every node that is new, children first. */
  seal(found?: (node: NewNode) => void): Uint8Array {
    if (this.#root === null) return EMPTY_ROOT;
    const ref = refOf(this.#root, found);
    if (ref.length === 33) return ref.slice(1);
    // A root is always named by its hash, however short it is.
    const hash = fastKeccak(ref);
    found?.([hash, ref]);
    return hash;
  }

  #read(node: Node): Read {
    if (node.kind !== 'unread') return node;
    const rlp = this.#source.node(node.hash);
    if (rlp === undefined) {
      throw new FedaiError(
        'STATE_MISSING',
        'a trie node is not in the database',
        { hash: toHex(node.hash) },
        { remedy: 'restore the data directory from a copy, or delete it and synchronise again' },
      );
    }
    return decodeNode(rlp, node.ref);
  }

  /** Replaces a child known by hash with what was read, which has the same meaning, so later walks are quick. */
  #childOf(parent: Extension): Read {
    const child = this.#read(parent.child);
    parent.child = child;
    return child;
  }

  #childAt(parent: Branch, index: number): Read | null {
    const known = parent.children[index] ?? null;
    if (known === null) return null;
    const child = this.#read(known);
    parent.children[index] = child;
    return child;
  }

  #find(start: Read, path: Uint8Array): Uint8Array | undefined {
    let node: Read | null = start;
    let depth = 0;
    while (node !== null) {
      if (node.kind === 'branch') node = this.#childAt(node, path[depth++]!);
      else {
        const end: number = depth + node.path.length;
        if (!samePath(node.path, path.subarray(depth, end))) return undefined;
        if (node.kind === 'leaf') return node.value;
        depth = end;
        node = this.#childOf(node);
      }
    }
    return undefined;
  }

  #insert(at: Node | null, path: Uint8Array, value: Uint8Array): Node {
    if (at === null) return leaf(path, value);
    const node = this.#read(at);
    if (node.kind === 'branch') {
      const next = path[0]!;
      return withChild(node, next, this.#insert(this.#childAt(node, next), path.subarray(1), value));
    }
    const shared = sharedLength(node.path, path);
    if (shared === node.path.length) {
      if (node.kind === 'leaf') return leaf(path, value);
      return extension(node.path, this.#insert(this.#childOf(node), path.subarray(shared), value));
    }
    const children: (Node | null)[] = new Array(16).fill(null);
    const rest = node.path.subarray(shared + 1);
    children[node.path[shared]!] = node.kind === 'leaf' ? leaf(rest, node.value) : extend(rest, node.child);
    children[path[shared]!] = leaf(path.subarray(shared + 1), value);
    return extend(path.subarray(0, shared), { kind: 'branch', children, ref: undefined });
  }

  #remove(at: Node | null, path: Uint8Array): Node | null {
    if (at === null) return null;
    const node = this.#read(at);
    if (node.kind === 'branch') return this.#removeBelow(node, path);
    if (!samePath(node.path, path.subarray(0, node.path.length))) return node;
    if (node.kind === 'leaf') return null;
    const before = this.#childOf(node);
    const after = this.#remove(before, path.subarray(node.path.length));
    if (after === before) return node;
    return after === null ? null : this.#join(node.path, after);
  }

  #removeBelow(node: Branch, path: Uint8Array): Node | null {
    const next = path[0]!;
    const before = this.#childAt(node, next);
    const after = this.#remove(before, path.subarray(1));
    if (after === before) return node;
    const changed = withChild(node, next, after);
    const left = changed.children.flatMap((child, index) => (child === null ? [] : [index]));
    if (left.length > 1) return changed;
    const only = left[0]!;
    return this.#join(Uint8Array.of(only), this.#childAt(changed, only)!);
  }

  /** A node reached by `path`, with the path folded into it where the encoding demands that. */
  #join(path: Uint8Array, node: Node): Node {
    const below = this.#read(node);
    if (below.kind === 'leaf') return leaf(concatBytes(path, below.path), below.value);
    if (below.kind === 'extension') return extension(concatBytes(path, below.path), below.child);
    return extension(path, below);
  }
}

/** Nodes from the root to where the key is or would be (EIP-1186); nodes inside their parents are not listed. */
export function prove(source: NodeSource, root: Uint8Array, key: Uint8Array): Uint8Array[] {
  const proof: Uint8Array[] = [];
  if (equalHash(root, EMPTY_ROOT)) return proof;
  const recording: NodeSource = {
    node(hash) {
      const rlp = source.node(hash);
      if (rlp !== undefined) proof.push(rlp);
      return rlp;
    },
  };
  new Trie(recording, root).get(key);
  return proof;
}

function refOf(node: Node, found: ((node: NewNode) => void) | undefined): Uint8Array {
  if (node.kind === 'unread' || node.ref !== undefined) return node.ref!;
  const rlp = encodeNode(node, (child) => refOf(child, found));
  if (rlp.length < 32) {
    node.ref = rlp;
    return rlp;
  }
  const hash = fastKeccak(rlp);
  found?.([hash, rlp]);
  const ref = hashRef(hash);
  node.ref = ref;
  return ref;
}

const leaf = (path: Uint8Array, value: Uint8Array): Leaf => ({ kind: 'leaf', path, value, ref: undefined });
const extension = (path: Uint8Array, child: Node): Extension => ({
  kind: 'extension',
  path,
  child,
  ref: undefined,
});
const extend = (path: Uint8Array, child: Node): Node => (path.length === 0 ? child : extension(path, child));

function withChild(node: Branch, index: number, child: Node | null): Branch {
  const children = node.children.slice();
  children[index] = child;
  return { kind: 'branch', children, ref: undefined };
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

const samePath = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && sharedLength(a, b) === a.length;

function equalHash(a: Uint8Array, b: Uint8Array): boolean {
  return samePath(a, b);
}
