import { describe, expect, it } from 'vitest';
import { epochBeaconHeight, selectProposer } from '../../../chain/consensus/index.ts';
import { sha256, toHex, uintBytes } from '../../../core/index.ts';

const setOf = (...powers: bigint[]) =>
  powers.map((power, i) => ({
    address: toHex(new Uint8Array(20).fill(i)),
    blsPublicKey: new Uint8Array(48),
    power,
  }));
const beacon = sha256(uintBytes(1, 1));

describe('proposers', () => {
  it('are drawn in proportion to power', () => {
    const counts = [0, 0, 0];
    for (let height = 1; height <= 3000; height++) {
      const index = selectProposer(setOf(1n, 2n, 3n), beacon, height, 0);
      counts[index] = counts[index]! + 1;
    }
    expect(counts[0]! / 3000).toBeCloseTo(1 / 6, 1);
    expect(counts[1]! / 3000).toBeCloseTo(2 / 6, 1);
    expect(counts[2]! / 3000).toBeCloseTo(3 / 6, 1);
  });

  it('take turns within a height, so that n rounds reach everyone', () => {
    for (let height = 1; height < 50; height++) {
      const turns = [0, 1, 2, 3].map((round) => selectProposer(setOf(9n, 1n, 1n, 1n), beacon, height, round));
      expect(new Set(turns).size).toBe(4);
    }
  });

  it('depend on the beacon of the epoch before', () => {
    const draw = (seed: Uint8Array) =>
      Array.from({ length: 32 }, (_, height) => selectProposer(setOf(1n, 1n, 1n, 1n), seed, height, 0)).join(
        '',
      );
    expect(draw(beacon)).not.toBe(draw(sha256(beacon)));
    expect([1, 9, 10, 19, 20].map((height) => epochBeaconHeight(height, 10))).toEqual([0, 0, 9, 9, 19]);
  });

  it('do not exist without power', () => {
    expect(() => selectProposer([], beacon, 1, 0)).toThrow(/power/);
  });
});
