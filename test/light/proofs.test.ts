import { createMerkleProof, createMPT } from '@ethereumjs/mpt';
import { encode } from '@ethereumjs/rlp';
import { describe, expect, it } from 'vitest';
import { fromHex, type Hex, keccak256, sha256, toHex, uintBytes } from '../../core/index.ts';
import { EMPTY_TRIE_ROOT, verifyAccountProof, verifyStorageProof } from '../../light/index.ts';

const slot = (n: number) => uintBytes(n, 32);
const address = (n: number): Hex => toHex(sha256(uintBytes(n, 4)).subarray(0, 20));

async function makeState() {
  const storage = await createMPT({ useKeyHashing: true, useRootPersistence: true });
  for (let n = 0; n < 40; n++)
    await storage.put(
      slot(n),
      encode(
        uintBytes(n + 1, n % 2 === 0 ? 1 : 32).filter(
          (byte, i, all) => byte !== 0 || all.slice(0, i).some((b) => b !== 0),
        ),
      ),
    );
  const state = await createMPT({ useKeyHashing: true, useRootPersistence: true });
  const codeHash = keccak256(Uint8Array.of(1));
  for (let n = 0; n < 60; n++)
    await state.put(fromHex(address(n)), encode([n, 1000n + BigInt(n), storage.root(), codeHash]));
  const proofOf = async (trie: typeof state, key: Uint8Array) =>
    (await createMerkleProof(trie, key)).map(toHex);
  return { state, storage, proofOf };
}

const flips = (proof: Hex[]): Hex[][] =>
  proof.flatMap((node, i) =>
    Array.from({ length: (node.length - 2) / 2 }, (_, at) => {
      const bytes = fromHex(node);
      bytes[at] = bytes[at]! ^ 1;
      return proof.map((other, j) => (i === j ? toHex(bytes) : other));
    }),
  );

describe('state proofs', () => {
  it('prove accounts and slots, present and absent', async () => {
    const { state, storage, proofOf } = await makeState();
    for (const n of [0, 17, 59]) {
      const account = verifyAccountProof(state.root(), address(n), await proofOf(state, fromHex(address(n))));
      expect(account).toMatchObject({
        nonce: BigInt(n),
        balance: 1000n + BigInt(n),
        storageRoot: storage.root(),
      });
    }
    expect(
      verifyAccountProof(state.root(), address(99), await proofOf(state, fromHex(address(99)))),
    ).toBeNull();
    for (const n of [0, 1, 39])
      expect(verifyStorageProof(storage.root(), slot(n), await proofOf(storage, slot(n)))).toBe(
        BigInt(n + 1),
      );
    expect(verifyStorageProof(storage.root(), slot(77), await proofOf(storage, slot(77)))).toBe(0n);
    expect(verifyStorageProof(EMPTY_TRIE_ROOT, slot(1), [])).toBe(0n);
  });

  it('fail on any flipped byte, missing, foreign or surplus node', async () => {
    const { state, proofOf } = await makeState();
    const root = state.root();
    const proof = await proofOf(state, fromHex(address(17)));
    for (const wrong of flips(proof)) expect(() => verifyAccountProof(root, address(17), wrong)).toThrow();
    expect(() => verifyAccountProof(root, address(17), proof.slice(0, -1))).toThrow(/ends/);
    expect(() => verifyAccountProof(root, address(17), [...proof, proof[0]!])).toThrow(/nothing/);
    expect(() => verifyAccountProof(root, address(18), proof)).toThrow();
    expect(() => verifyAccountProof(root, address(17), [])).toThrow(/empty/);
    expect(() => verifyAccountProof(keccak256(root), address(17), proof)).toThrow(/hash/);
  });
});
