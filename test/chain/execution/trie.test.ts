import { createMerkleProof, createMPT, verifyMerkleProof } from '@ethereumjs/mpt';
import { hexToBytes } from '@ethereumjs/util';
import { expect, test } from 'vitest';
import { EMPTY_ROOT, memoryStateSource, prove, StateDb, Trie } from '../../../chain/execution/index.ts';
import { keccak256, seededRandom, toHex, uintBytes, utf8 } from '../../../core/index.ts';

test('roots equal those of ethereumjs through random puts and deletes, across commits and re-opening', async () => {
  const random = seededRandom(utf8('trie'));
  const source = memoryStateSource();
  const oracle = await createMPT({});
  let root: Uint8Array = EMPTY_ROOT;
  const keys = Array.from({ length: 60 }, (_, i) => keccak256(uintBytes(i, 4)));
  for (let block = 0; block < 40; block++) {
    const trie = new Trie(source, root);
    for (let change = 0; change < 12; change++) {
      const key = random.pick(keys);
      if (random.chance(2, 5)) {
        trie.delete(key);
        await oracle.del(key);
      } else {
        const value = new Uint8Array(1 + random.below(40)).fill(1 + random.below(255));
        trie.put(key, value);
        await oracle.put(key, value);
      }
    }
    const nodes: (readonly [Uint8Array, Uint8Array])[] = [];
    root = trie.seal((node) => nodes.push(node));
    source.add({ nodes, codes: [], tries: new Map() });
    expect(toHex(root)).toBe(toHex(oracle.root()));
    for (const key of keys) {
      expect(new Trie(source, root).get(key) ?? null).toEqual(await oracle.get(key));
    }
  }
});

test('short nodes inside their parents are handled as ethereumjs does', async () => {
  const oracle = await createMPT({});
  const source = memoryStateSource();
  let root: Uint8Array = EMPTY_ROOT;
  const random = seededRandom(utf8('short'));
  for (let step = 0; step < 200; step++) {
    const key = uintBytes(random.below(512), 2);
    const trie = new Trie(source, root);
    if (random.chance(1, 3)) {
      trie.delete(key);
      await oracle.del(key);
    } else {
      const value = Uint8Array.of(1 + random.below(200));
      trie.put(key, value);
      await oracle.put(key, value);
    }
    const nodes: (readonly [Uint8Array, Uint8Array])[] = [];
    root = trie.seal((node) => nodes.push(node));
    source.add({ nodes, codes: [], tries: new Map() });
    expect(toHex(root)).toBe(toHex(oracle.root()));
  }
});

test('proofs of presence and absence verify with ethereumjs', async () => {
  const source = memoryStateSource();
  const trie = new Trie(source, EMPTY_ROOT);
  const oracle = await createMPT({});
  for (let i = 0; i < 100; i++) {
    trie.put(keccak256(uintBytes(i, 4)), utf8(`value ${i}`));
    await oracle.put(keccak256(uintBytes(i, 4)), utf8(`value ${i}`));
  }
  const nodes: (readonly [Uint8Array, Uint8Array])[] = [];
  const root = trie.seal((node) => nodes.push(node));
  source.add({ nodes, codes: [], tries: new Map() });
  for (let i = 0; i < 130; i++) {
    const key = keccak256(uintBytes(i, 4));
    const proof = prove(source, root, key);
    expect(proof.map(toHex)).toEqual((await createMerkleProof(oracle, key)).map(toHex));
    const value = await verifyMerkleProof(key, proof, { root } as never).catch(() => 'bad');
    if (value !== 'bad') expect(value).toEqual(i < 100 ? utf8(`value ${i}`) : null);
  }
});

test('a missing node is an error that names its hash', () => {
  const db = new StateDb(memoryStateSource());
  const root = hexToBytes(`0x${'11'.repeat(32)}`);
  expect(() => db.trie(root).get(root)).toThrowError(/not in the database/);
});

test('an unsealed fork does not disturb the trie it came from', () => {
  const source = memoryStateSource();
  const db = new StateDb(source);
  const base = db.emptyTrie();
  for (let i = 0; i < 20; i++) base.put(keccak256(uintBytes(i, 2)), utf8(`v${i}`));
  const nodes: (readonly [Uint8Array, Uint8Array])[] = [];
  const root = base.seal((node) => nodes.push(node));
  source.add({ nodes, codes: [], tries: new Map() });
  db.committed({ nodes, codes: [], tries: new Map([[toHex(root), base]]) });
  const dropped = db.trie(root);
  dropped.put(keccak256(uintBytes(3, 2)), utf8('changed'));
  dropped.delete(keccak256(uintBytes(4, 2)));
  dropped.seal();
  expect(db.trie(root).seal()).toEqual(root);
  expect(db.trie(root).get(keccak256(uintBytes(4, 2)))).toEqual(utf8('v4'));
});
