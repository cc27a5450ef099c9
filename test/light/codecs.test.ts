import { decode, encode } from '@ethereumjs/rlp';
import { describe, expect, it } from 'vitest';
import { keccak256, toHex } from '../../core/index.ts';
import {
  type ConsensusSection,
  decodeBitmap,
  decodeCommit,
  decodeSection,
  encodeBitmap,
  encodeCommit,
  encodeSection,
  sectionHash,
  type VerdictSection,
  validatorSetHash,
  voteSignBytes,
  type WorkSection,
} from '../../light/index.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const section: ConsensusSection = {
  version: 1,
  round: 0,
  parentCommitHash: filled(1, 32),
  validatorsHash: filled(2, 32),
  nextValidatorsHash: filled(3, 32),
  randaoReveal: filled(4, 96),
  work: null,
  verdict: null,
};
const account = filled(7, 20);
const bundle = filled(6, 36);
const work: WorkSection = {
  ...{ drawHeight: 40, rank: 1, jobId: 3n, worker: account, traceRoot: filled(8, 32), segment: 2 },
  ...{ modelHash: filled(9, 32), totalWeight: 10n ** 18n, opener: account, bundle },
};
const verdict: VerdictSection = {
  ...{ caseId: 5, jobId: 3n, worker: account, traceRoot: filled(8, 32), segment: 2 },
  ...{ guilty: true, digest: filled(9, 32), bundle },
};
const commit = {
  height: 7,
  round: 2,
  blockHash: filled(9, 32),
  bitmap: encodeBitmap([0, 2, 3], 4),
  signature: filled(5, 96),
};

describe('consensus section', () => {
  it('round-trips and hashes its wire form', () => {
    expect(decodeSection(encodeSection(section))).toEqual(section);
    const empty = { ...section, round: 3, randaoReveal: new Uint8Array(0) };
    expect(decodeSection(encodeSection(empty))).toEqual(empty);
    expect(sectionHash(section)).toEqual(keccak256(encodeSection(section)));
    for (const guilty of [true, false]) {
      const judging = { ...section, verdict: { ...verdict, guilty } };
      expect(decodeSection(encodeSection(judging))).toEqual(judging);
    }
  });

  it('is as it was before there was a court where there is no verdict', () => {
    const items = decode(encodeSection(section)) as unknown[];
    expect(items.length).toBe(7);
    expect(decodeSection(encode([...items.slice(0, 6), new Uint8Array(0)] as Uint8Array[]))).toEqual(section);
  });

  it('carries a proof or a verdict, never both, and has one form only', () => {
    expect(decodeSection(encodeSection({ ...section, work }))).toEqual({ ...section, work });
    expect(() => decodeSection(encodeSection({ ...section, work, verdict }))).toThrow(/never both/);
    const items = decode(encodeSection(section)) as Uint8Array[];
    expect(() => decodeSection(encode([...items, new Uint8Array(0)]))).toThrow(/malformed/);
    const judging = decode(encodeSection({ ...section, verdict })) as Uint8Array[];
    expect(() => decodeSection(encode([...judging, new Uint8Array(0)]))).toThrow(/malformed/);
  });

  it('refuses other versions, trailing bytes, truncation and non-canonical integers', () => {
    const bytes = encodeSection(section);
    expect(() => decodeSection(bytes.subarray(0, bytes.length - 1))).toThrow(/RLP/);
    expect(() => decodeSection(Uint8Array.of(...bytes, 0))).toThrow(/RLP|canonical/i);
    const otherVersion = Uint8Array.from(bytes);
    otherVersion[2] = 2;
    expect(() => decodeSection(otherVersion)).toThrow(/version/);
    expect(() => decodeSection(new Uint8Array(10_000))).toThrow(/malformed/);
  });
});

describe('block commit', () => {
  it('round-trips', () => {
    expect(decodeCommit(encodeCommit(commit))).toEqual(commit);
  });

  it('keeps one canonical bitmap per set of signers', () => {
    expect(decodeBitmap(encodeBitmap([0, 2, 3], 4), 4)).toEqual([0, 2, 3]);
    expect(decodeBitmap(Uint8Array.of(0b10000), 4)).toBeUndefined();
    expect(decodeBitmap(Uint8Array.of(1, 0), 4)).toBeUndefined();
    expect(decodeBitmap(encodeBitmap([8], 9), 9)).toEqual([8]);
  });
});

describe('sign bytes', () => {
  const base = { chainId: 1n, type: 'prevote', height: 1, round: 0, blockHash: filled(0, 32) } as const;

  it('have a fixed width and differ in every field, nil from the zero hash too', () => {
    const variants = [
      base,
      { ...base, chainId: 2n },
      { ...base, type: 'precommit' } as const,
      { ...base, height: 2 },
      { ...base, round: 1 },
      { ...base, blockHash: null },
      { ...base, blockHash: filled(1, 32) },
    ].map(voteSignBytes);
    expect(new Set(variants.map(toHex)).size).toBe(variants.length);
    expect(new Set(variants.map((bytes) => bytes.length))).toEqual(new Set([90]));
  });
});

describe('validator set hash', () => {
  it('binds order, key and power', () => {
    const one = { address: toHex(filled(1, 20)), blsPublicKey: filled(1, 48), power: 10n };
    const two = { address: toHex(filled(2, 20)), blsPublicKey: filled(2, 48), power: 20n };
    const hashes = [[one, two], [two, one], [{ ...one, power: 11n }, two], [one]].map((set) =>
      toHex(validatorSetHash(set)),
    );
    expect(new Set(hashes).size).toBe(4);
  });
});
