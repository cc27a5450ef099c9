import { createBlockHeader } from '@ethereumjs/block';
import { Common, Hardfork, Mainnet } from '@ethereumjs/common';
import { describe, expect, it } from 'vitest';
import { blsAggregate, blsPublicKey, blsSign } from '../../core/bls/index.ts';
import { sha256, toHex, uintBytes } from '../../core/index.ts';
import {
  type BlockCommit,
  type ConsensusSection,
  decodeCommit,
  decodeSection,
  EMPTY_HASH,
  encodeBitmap,
  encodeCommit,
  encodeSection,
  type FollowStep,
  followHeaders,
  sectionHash,
  type ValidatorSet,
  validatorSetHash,
  verifyCommit,
  verifyHeader,
  voteSignBytes,
} from '../../light/index.ts';

const chainId = 4242n;
const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague });
const secret = (n: number) => Uint8Array.from(sha256(uintBytes(n, 4)), (byte, i) => (i === 0 ? 1 : byte));
const setOf = (...keys: number[]): ValidatorSet =>
  keys.map((n) => ({
    address: toHex(new Uint8Array(20).fill(n)),
    blsPublicKey: blsPublicKey(secret(n)),
    power: 10n,
  }));

interface Made extends FollowStep {
  hash: Uint8Array;
}

/** A header at `height` committed by the validators at `signers` (indices) of the set of `keys`. */
function make(
  height: number,
  keys: number[],
  signers: number[],
  nextKeys = keys,
  parentHash: Uint8Array = EMPTY_HASH,
): Made {
  const section: ConsensusSection = {
    version: 1,
    round: 0,
    parentCommitHash: EMPTY_HASH,
    validatorsHash: validatorSetHash(setOf(...keys)),
    nextValidatorsHash: validatorSetHash(setOf(...nextKeys)),
    randaoReveal: new Uint8Array(96).fill(1),
    work: null,
    verdict: null,
  };
  const header = createBlockHeader(
    {
      number: height,
      parentHash,
      extraData: sectionHash(section),
      timestamp: 10,
      baseFeePerGas: 7n,
      requestsHash: EMPTY_HASH,
    },
    { common },
  );
  const blockHash = header.hash();
  const message = voteSignBytes({ chainId, type: 'precommit', height, round: 0, blockHash });
  const commit: BlockCommit = {
    height,
    round: 0,
    blockHash,
    bitmap: encodeBitmap(signers, keys.length),
    signature: blsAggregate(signers.map((index) => blsSign(message, secret(keys[index]!)))),
  };
  return { headerRlp: header.serialize(), section, commit, hash: blockHash };
}

const keys = [1, 2, 3, 4];
const set = setOf(...keys);
const made = make(7, keys, [0, 2, 3]);
const flipped = (bytes: Uint8Array, at: number) =>
  Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
const claim = { chainId, set, ...made };

const verdictOf = (verify: () => { ok: boolean }): boolean => {
  try {
    return verify().ok;
  } catch {
    return false;
  }
};

describe('verifyHeader', () => {
  it('accepts what +2/3 of the set signed', () => {
    const checked = verifyHeader(claim);
    expect(checked.ok && checked.header.number).toBe(7);
  });

  it('refuses two of four, another set, another chain', () => {
    expect(verifyHeader({ ...claim, ...make(7, keys, [0, 2]) }).ok).toBe(false);
    expect(verifyHeader({ ...claim, set: setOf(1, 2, 4, 3) }).ok).toBe(false);
    expect(verifyHeader({ ...claim, chainId: 1n }).ok).toBe(false);
    const signedByOthers = { ...made.commit, bitmap: encodeBitmap([0, 1, 3], 4) };
    expect(verifyHeader({ ...claim, commit: signedByOthers }).ok).toBe(false);
  });

  it('refuses any flipped byte in header and section', () => {
    for (let at = 0; at < made.headerRlp.length; at++)
      expect(verifyHeader({ ...claim, headerRlp: flipped(made.headerRlp, at) }).ok).toBe(false);
    const bytes = encodeSection(made.section);
    for (let at = 0; at < bytes.length; at++)
      expect(verdictOf(() => verifyHeader({ ...claim, section: decodeSection(flipped(bytes, at)) }))).toBe(
        false,
      );
  });

  it('refuses any flipped byte in the commit', () => {
    const bytes = encodeCommit(made.commit);
    const signatureStart = bytes.length - 96;
    for (let at = 0; at < bytes.length; at++) {
      if (at > signatureStart + 8 && at % 16 !== 0) continue;
      const verify = () => verifyHeader({ ...claim, commit: decodeCommit(flipped(bytes, at)) });
      expect(verdictOf(verify), `byte ${at}`).toBe(false);
    }
  });

  it('refuses keys and signatures outside the group and at infinity', () => {
    const infinity = Uint8Array.of(0xc0, ...new Uint8Array(95));
    const commit = { ...made.commit, signature: infinity };
    expect(verifyCommit({ chainId, set, commit, blockHash: made.hash, height: 7 }).ok).toBe(false);
  });
});

describe('followHeaders', () => {
  const first = make(5, keys, [0, 1, 2], [2, 3, 4, 5]);
  const second = { ...make(6, [2, 3, 4, 5], [1, 2, 3], undefined, first.hash), set: setOf(2, 3, 4, 5) };

  it('crosses a change of the set that the old set named', () => {
    const followed = followHeaders({ chainId, set, fromHeight: 1 }, [
      make(3, keys, [0, 1, 3]),
      first,
      second,
    ]);
    expect(followed.ok && followed.at?.header.number).toBe(6);
  });

  it('refuses a set that nobody trusted named, a jump over a change, and going back', () => {
    const start = { chainId, set, fromHeight: 1 };
    expect(followHeaders(start, [second]).ok).toBe(false);
    expect(followHeaders(start, [make(4, keys, [0, 1, 2]), second]).ok).toBe(false);
    expect(followHeaders(start, [first, make(3, keys, [0, 1, 3])]).ok).toBe(false);
    const foreignParent = { ...make(6, [2, 3, 4, 5], [1, 2, 3]), set: setOf(2, 3, 4, 5) };
    expect(followHeaders(start, [first, foreignParent]).ok).toBe(false);
  });
});
