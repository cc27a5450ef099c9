/** Which traces and segments are audited, what auditors commit to, and that only the true computation has the digest. */
import { AbiCoder, keccak256 as ethersKeccak, solidityPacked, solidityPackedSha256 } from 'ethers';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromHex, sha256, toHex, uintBytes, utf8 } from '../../core/index.ts';
import { createEngine, stateRoots } from '../../engine/index.ts';
import {
  type AuditDraw,
  auditCommitment,
  auditDigest,
  auditSegments,
  isAudited,
  segmentBatches,
  verifyBundle,
} from '../../pouw/index.ts';
import { LIMITS, type Share, trainedShare } from './job.ts';

const coder = AbiCoder.defaultAbiCoder();
const draw: AuditDraw = {
  chainId: 31_337n,
  beacon: sha256(utf8('beacon of the audit')),
  traceId: 12n,
  segments: 16,
  fullAudit: false,
  rateBps: 2_000,
  segmentsPerAudit: 3,
};
const traces = Array.from({ length: 600 }, (_, id): AuditDraw => ({ ...draw, traceId: BigInt(id) }));
const hashed = (types: string[], values: unknown[]) => BigInt(ethersKeccak(coder.encode(types, values)));

describe('the draw of audits', () => {
  it('selects as Solidity would, about as many as the rate says', () => {
    const selected = traces.filter(isAudited);
    const byAbi = traces.filter(({ chainId, beacon, traceId }) => {
      const values = ['fedai-audit/1', chainId, toHex(beacon), traceId];
      return hashed(['string', 'uint256', 'bytes32', 'uint256'], values) % 10_000n < 2_000n;
    });
    expect(selected).toEqual(byAbi);
    expect(selected.length).toBeGreaterThan(80);
    expect(selected.length).toBeLessThan(160);
    expect(traces.every((one) => isAudited({ ...one, fullAudit: true }))).toBe(true);
  });

  it('draws segments as Solidity would, all of them in a full audit', () => {
    const expected = [0, 1, 2].map((k) => {
      const values = ['fedai-audit-segment/1', toHex(draw.beacon), draw.traceId, k];
      return Number(hashed(['string', 'bytes32', 'uint256', 'uint256'], values) % 16n);
    });
    expect(auditSegments(draw)).toEqual(expected);
    expect(auditSegments({ ...draw, segments: 3, fullAudit: true })).toEqual([0, 1, 2]);
  });

  it('commits as Solidity would', () => {
    const digests = [sha256(utf8('a')), sha256(utf8('b'))];
    const salt = sha256(utf8('salt'));
    const auditor = `0x${'ab'.repeat(20)}` as const;
    const packed = ethersKeccak(solidityPacked(['bytes32', 'bytes32'], digests.map(toHex)));
    const values = [12n, auditor, packed, toHex(salt)];
    expect(toHex(auditCommitment({ traceId: 12n, auditor: fromHex(auditor), digests, salt }))).toBe(
      ethersKeccak(coder.encode(['uint256', 'address', 'bytes32', 'bytes32'], values)),
    );
  });
});

describe('the digest of an audit', () => {
  let share: Share;
  beforeAll(async () => {
    share = await trainedShare();
  });

  it('is of the state half-way and of each loss, whatever the kernel', async () => {
    const claim = share.claim(1);
    const trainer = share.engine.trainer(share.job.model, share.job.recipe, share.states[1]!);
    const losses: number[] = [];
    const middles: Uint8Array[] = [];
    for (const indices of segmentBatches(share.job, claim, share.dataset.count)) {
      middles.push(stateRoots(share.job.model, trainer.export()).stateRoot);
      losses.push(trainer.step(await share.dataset.read(indices)));
    }
    const expected = auditDigest(middles[1]!, losses);
    const bundle = await share.bundle(1);
    const reference = await createEngine({ kernel: 'reference' });
    for (const engine of [share.engine, reference])
      expect(verifyBundle(engine, bundle, claim, { limits: LIMITS })).toMatchObject({
        ok: true,
        auditDigest: expected,
      });
    const losses64 = losses.map((loss) => uintBytes(loss, 8));
    const types = ['string', 'bytes32', ...losses64.map(() => 'bytes8')];
    const values = ['fedai-audit/1', toHex(middles[1]!), ...losses64.map(toHex)];
    expect(toHex(expected)).toBe(solidityPackedSha256(types, values));
  });

  it('differs from segment to segment', async () => {
    const digests = await Promise.all(
      [0, 1, 2, 3].map(async (segment) => {
        const bundle = await share.bundle(segment);
        const verified = verifyBundle(share.engine, bundle, share.claim(segment), { limits: LIMITS });
        return verified.ok ? toHex(verified.auditDigest) : verified.reason;
      }),
    );
    expect(new Set(digests).size).toBe(4);
  });
});
