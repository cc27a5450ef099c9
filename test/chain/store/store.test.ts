import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication, decodeBlock, encodeBlock } from '../../../chain/index.ts';
import { seededRandom, toHex, utf8 } from '../../../core/index.ts';
import { commitHash, encodeCommit } from '../../../light/index.ts';
import { decideOne, soloSpec, startSoloChain } from '../../support/soloChain.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('store', () => {
  test('a reopened directory goes on where it was', async () => {
    const directory = join(folder, 'reopened');
    const first = await startSoloChain({ directory, mining: 'manual' });
    await first.mine(4);
    const head = toHex(first.application.head.hash);
    await first.stop();
    const second = await startSoloChain({ directory, mining: 'manual' });
    expect(toHex(second.application.head.hash)).toBe(head);
    expect(await second.mine(2)).toBe(6);
    await second.stop();
  });

  test('refuses a directory in use, of another chain, of another version, or that cannot be made', async () => {
    const directory = join(folder, 'guarded');
    const chain = await startSoloChain({ directory, mining: 'manual' });
    const { spec } = chain;
    const open = (changed = spec, at = directory) => createApplication({ spec: changed, directory: at });
    await expect(open()).rejects.toMatchObject({ code: 'DATABASE_LOCKED', remedy: expect.any(String) });
    await chain.stop();
    await expect(open({ ...spec, epochBlocks: 7 })).rejects.toMatchObject({ code: 'WRONG_CHAIN' });
    const file = join(folder, 'file');
    await writeFile(file, 'x');
    await expect(open(spec, file)).rejects.toMatchObject({ code: 'DATABASE_UNREADABLE' });
    await mkdir(join(folder, 'fresh'));
    await (await open(spec, join(folder, 'fresh'))).close();
  });
});

describe('blocks', () => {
  test('survive their encoding; damaged bytes are refused or decode to another block, never crash', async () => {
    const chain = await startSoloChain({ mining: 'manual' });
    await chain.mine(2);
    const { application } = chain;
    const block = application.store.block(2)!;
    const bytes = encodeBlock(block);
    const again = decodeBlock(bytes, application.common);
    expect(toHex(encodeBlock(again))).toBe(toHex(bytes));
    expect(toHex(encodeCommit(again.parentCommit!))).toBe(toHex(encodeCommit(application.store.commit(1)!)));
    const random = seededRandom(utf8('damage'));
    for (let round = 0; round < 500; round++) {
      const damaged = random.chance(1, 4)
        ? bytes.slice(0, random.below(bytes.length))
        : Uint8Array.from(bytes);
      if (damaged.length > 0) damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
      try {
        expect(toHex(encodeBlock(decodeBlock(damaged, application.common)))).toBe(toHex(damaged));
      } catch (error) {
        expect((error as { code?: string }).code).toBe('BAD_RLP');
      }
    }
    await chain.stop();
  });
});

describe('application', () => {
  test('refuses blocks whose header lies about anything, and keeps its head', async () => {
    const spec = await soloSpec();
    const application = await createApplication({
      spec,
      directory: join(folder, 'lies'),
    });
    const { commit } = await decideOne(application);
    const honest = await application.buildBlock({
      height: 2,
      round: 0,
      proposer: spec.validators[0]!.address,
      beacon: new Uint8Array(32).fill(7),
      section: { ...application.store.block(1)!.section, parentCommitHash: commitHash(commit) },
      parentCommit: commit,
      nowMs: Date.now(),
    });
    const { createBlockHeader } = await import('@ethereumjs/block');
    const lie = (fields: Record<string, unknown>) => ({
      ...honest,
      header: createBlockHeader({ ...honest.header, ...fields } as never, { common: application.common }),
    });
    const lies: [Record<string, unknown>, RegExp][] = [
      [{ stateRoot: new Uint8Array(32).fill(1) }, /stateRoot/],
      [{ receiptTrie: new Uint8Array(32).fill(1) }, /receiptTrie/],
      [{ transactionsTrie: new Uint8Array(32).fill(1) }, /transactionsTrie/],
      [{ gasUsed: 5n }, /gasUsed/],
      [{ gasLimit: 29_000_000n }, /gas limit/],
      [{ baseFeePerGas: 1n }, /base fee/],
      [{ parentHash: new Uint8Array(32) }, /parent/],
      [{ number: 3n }, /height/],
      [{ timestamp: application.headHeader.timestamp }, /timestamp/],
      [{ extraData: new Uint8Array(32) }, /section/],
      [{ requestsHash: new Uint8Array(32) }, /requests/],
      [{ withdrawalsRoot: new Uint8Array(32) }, /withdrawals/],
    ];
    for (const [fields, reason] of lies) {
      const check = await application.checkBlock(lie(fields));
      expect(check).toMatchObject({ valid: false, reason: expect.stringMatching(reason) });
    }
    expect(await application.checkBlock({ ...honest, transactions: [utf8('junk')] })).toMatchObject({
      valid: false,
    });
    expect(await application.checkBlock({ ...honest, parentCommit: null })).toMatchObject({ valid: false });
    await expect(application.commitBlock(honest, commit)).rejects.toMatchObject({ code: 'INVALID_BLOCK' });
    expect(application.head.height).toBe(1);
    expect(await application.checkBlock(honest)).toEqual({ valid: true });
    await application.close();
  });

  test('checks no block by the clock: others may have locked or decided it', async () => {
    const chain = await startSoloChain({ mining: 'manual' });
    const future = Date.now() + 3_600_000;
    const block = await chain.application.buildBlock({
      height: 1,
      round: 0,
      proposer: chain.spec.validators[0]!.address,
      beacon: new Uint8Array(32),
      section: { ...chain.application.store.block(0)!.section },
      parentCommit: null,
      nowMs: future,
    });
    expect(Number(block.header.timestamp)).toBe(Math.floor(future / 1000));
    expect(await chain.application.checkBlock(block)).toEqual({ valid: true });
    await chain.stop();
  });
});
