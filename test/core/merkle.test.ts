import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromHex,
  type Hex,
  merkleLeaf,
  merklePath,
  merkleRoot,
  toHex,
  verifyMerklePath,
} from '../../core/index.ts';

/** The data of the reference tests of RFC 6962 (Certificate Transparency). */
const INPUTS: Hex[] = [
  '0x',
  '0x00',
  '0x10',
  '0x2021',
  '0x3031',
  '0x40414243',
  '0x5051525354555657',
  '0x606162636465666768696a6b6c6d6e6f',
];
const ROOTS: Hex[] = [
  '0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  '0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  '0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  '0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('Merkle tree', () => {
  const leaves = INPUTS.map((input) => merkleLeaf(fromHex(input)));

  it('reproduces the roots of RFC 6962', () => {
    expect(toHex(merkleRoot([]))).toBe('0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (let count = 1; count <= 8; count++) {
      expect(toHex(merkleRoot(leaves.slice(0, count)))).toBe(ROOTS[count - 1]);
    }
  });

  it('opens every leaf of every size, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (count, pick, other) => {
        const tree = Array.from({ length: count }, (_, i) => merkleLeaf(Uint8Array.of(i)));
        const index = pick % count;
        const root = merkleRoot(tree);
        const path = merklePath(tree, index);
        expect(verifyMerklePath(root, tree[index]!, index, count, path)).toBe(true);
        const wrong = other % count;
        if (wrong !== index) expect(verifyMerklePath(root, tree[wrong]!, index, count, path)).toBe(false);
        expect(verifyMerklePath(root, tree[index]!, index, count, [...path, root])).toBe(false);
        expect(verifyMerklePath(root, tree[index]!, count, count, path)).toBe(false);
      }),
    );
  });

  it('refuses flipped bytes, short nodes and indices that are not numbers of leaves', () => {
    const path = merklePath(leaves, 5);
    const root = merkleRoot(leaves);
    const flipped = path.map((node, i) => (i === 1 ? node.map((byte) => byte ^ 1) : node));
    expect(verifyMerklePath(root, leaves[5]!, 5, 8, flipped)).toBe(false);
    expect(verifyMerklePath(root, leaves[5]!, 5, 8, [path[0]!.slice(1), ...path.slice(1)])).toBe(false);
    for (const index of [-1, 0.5, Number.NaN]) {
      expect(verifyMerklePath(root, leaves[5]!, index, 8, path)).toBe(false);
    }
  });
});
