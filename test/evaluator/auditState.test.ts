import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf, utf8 } from '../../core/index.ts';
import { type AuditRecord, forgetAudit, loadAudit, saveAudit } from '../../evaluator/auditRecord.ts';
import { createBundleBoard } from '../../evaluator/bundleBoard.ts';
import { auditSaltOf } from '../../evaluator/salt.ts';
import { signAnnouncement } from '../../pouw/index.ts';

const TRACE = 7n;

describe('what is kept of an audit', () => {
  let folder: string;
  const record: AuditRecord = {
    digests: [`0x${'12'.repeat(32)}`],
    salt: `0x${'34'.repeat(32)}`,
    bundles: [{ segment: 3, bundle: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' }],
    faults: [3],
    challenged: [],
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fedai-audit-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('comes back after a restart, until it is forgotten', async () => {
    expect(await loadAudit(folder, TRACE)).toBeUndefined();
    await saveAudit(folder, TRACE, record);
    expect(await loadAudit(folder, TRACE)).toEqual(record);
    await forgetAudit(folder, TRACE);
    expect(await loadAudit(folder, TRACE)).toBeUndefined();
  });

  test('is told from damage', async () => {
    await saveAudit(folder, TRACE, record);
    await writeFile(join(folder, 'audits', `trace-${TRACE}.json`), '{"digests":[1]}');
    await expect(loadAudit(folder, TRACE)).rejects.toMatchObject({ code: 'BAD_RECORD' });
  });

  test('has a salt of its own for each key, chain, court and trace, and the same one again', () => {
    const key = new Uint8Array(32).fill(1);
    const court = `0x${'ab'.repeat(20)}` as const;
    const salts = [
      auditSaltOf(key, 1n, court, 1n),
      auditSaltOf(key, 1n, court, 2n),
      auditSaltOf(key, 2n, court, 1n),
      auditSaltOf(key, 1n, `0x${'ac'.repeat(20)}`, 1n),
      auditSaltOf(new Uint8Array(32).fill(2), 1n, court, 1n),
    ];
    expect(new Set(salts).size).toBe(salts.length);
    expect(auditSaltOf(key, 1n, court, 1n)).toBe(salts[0]);
  });
});

describe('the board of bundles', () => {
  const cid = (n: number) => `bafkrei${'abcdefghijklmnop'[n]!.repeat(30)}`;
  const KEY = new Uint8Array(32).fill(5);
  const CHAIN = 31_337n;
  const trace = { id: TRACE, worker: addressOf(KEY) };
  const offer = (traceId: number, segment: number, n: number, attempt = 0, key = KEY, chain = CHAIN) =>
    signAnnouncement(chain, { format: 'fedai-audit/2', traceId, segment, bundle: cid(n), attempt }, key);

  test('takes a few offers for awaited segments, and nothing else', () => {
    let told = 0;
    const board = createBundleBoard(CHAIN, () => {
      told += 1;
    });
    expect(board.hear(utf8('noise'), 'peer')).toMatchObject({ verdict: 'reject' });
    expect(board.hear(offer(7, 2, 0), 'peer')).toMatchObject({ verdict: 'ignore' });
    board.expect(trace, [2, 5]);
    expect(board.hear(offer(7, 2, 0), 'peer')).toEqual({ verdict: 'accept' });
    expect(board.hear(offer(7, 2, 0, 1), 'peer')).toEqual({ verdict: 'accept' });
    expect(board.hear(offer(7, 3, 0), 'peer')).toMatchObject({ verdict: 'ignore' });
    expect(told).toBe(1);
    for (let n = 1; n < 12; n++) board.hear(offer(7, 2, n), 'peer');
    expect(board.offered(TRACE, 2)).toHaveLength(8);
    board.strike(TRACE, 2, cid(0));
    board.hear(offer(7, 2, 0, 2), 'peer');
    expect(board.offered(TRACE, 2).map(({ bundle }) => bundle)).not.toContain(cid(0));
    expect(board.offered(TRACE, 5)).toEqual([]);
    board.forget(TRACE);
    expect(board.offered(TRACE, 2)).toEqual([]);
  });

  test("takes what the trace's worker has signed, and room is not for others", () => {
    const board = createBundleBoard(CHAIN, () => undefined);
    board.expect(trace, [2]);
    const other = new Uint8Array(32).fill(6);
    for (let n = 0; n < 12; n++)
      expect(board.hear(offer(7, 2, n, 0, other), 'peer')).toMatchObject({ verdict: 'reject' });
    expect(board.hear(offer(7, 2, 1, 0, KEY, 1n), 'peer')).toMatchObject({ verdict: 'reject' });
    const forged = utf8(
      new TextDecoder().decode(offer(7, 2, 3)).replace(/"signature":"0x..../, '"signature":"0x00ff'),
    );
    expect(board.hear(forged, 'peer').verdict).not.toBe('accept');
    expect(board.offered(TRACE, 2)).toEqual([]);
    expect(board.hear(offer(7, 2, 0), 'peer')).toEqual({ verdict: 'accept' });
    expect(board.offered(TRACE, 2)).toEqual([{ bundle: cid(0), from: 'peer' }]);
  });
});
