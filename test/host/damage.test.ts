/** Files that rot: every class of them, at any place. What is damaged is refused with a remedy or fetched anew; never is wrong data passed on. */
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApplication } from '../../chain/index.ts';
import { openKeys, readPublicKeys, writeKeys } from '../../cli/keyFiles.ts';
import { FedaiError, fromHex, isHostFault, seededRandom, toHex, utf8 } from '../../core/index.ts';
import { generateMnemonic } from '../../core/keys/index.ts';
import { openLocalStore } from '../../storage/index.ts';
import { decideOne, soloSpec, testAccount } from '../support/soloChain.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const HEIGHTS = 8;
/** Damages of each kind a file. */
const TRIES = 3;

let folder: string;
let spec: Awaited<ReturnType<typeof soloSpec>>;
/** Hash of the block of each height. */
const hashes: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-damage-'));
  spec = await soloSpec();
  for (const until of [HEIGHTS / 2, HEIGHTS]) {
    // Opening makes a table of what was in the log: both kinds of file are there at the end.
    const application = await createApplication({ spec, directory: join(folder, 'chain') });
    while (application.head.height < until) await decideOne(application);
    for (let at = 0; at <= until; at++) hashes[at] = toHex(application.store.block(at)!.header.hash());
    await application.close();
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Damage = (bytes: Uint8Array, random: ReturnType<typeof seededRandom>) => Uint8Array;
const damages: Record<string, Damage> = {
  flipped(bytes, random) {
    const changed = Uint8Array.from(bytes);
    changed[random.below(bytes.length)]! ^= 1 << random.below(8);
    return changed;
  },
  'cut short': (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  emptied: () => new Uint8Array(0),
};

/** Coded, with something that the reader can do. */
const isHelpful = (error: unknown): boolean => error instanceof FedaiError && error.remedy !== undefined;

/** Reads everything; answers the head, or throws what reading threw. */
async function readChain(directory: string): Promise<number> {
  const faults: FedaiError[] = [];
  const application = await createApplication({ spec, directory, onFault: (fault) => faults.push(fault) });
  try {
    const { height } = application.head;
    for (let at = 0; at <= height; at++) {
      const block = application.store.block(at)!;
      expect(toHex(block.header.hash())).toBe(hashes[at]);
      if (at > 0) expect(application.store.commit(at)!.height).toBe(at);
      expect(application.store.receipts(at)!.length).toBe(block.transactions.length);
      const state = application.stateAt(block.header.stateRoot);
      expect(state.account(fromHex(testAccount(1).address)).balance).toBeGreaterThan(0n);
    }
    return height;
  } catch (error) {
    // What a reader meets is told to whoever can stop the node.
    if (isHostFault(error)) expect(faults).toContain(error);
    throw error;
  } finally {
    await application.close();
  }
}

test('a chain database is whole, or says that it is damaged and what to do', async () => {
  const names = (await readdir(join(folder, 'chain'))).filter((name) => !/^(LOCK|LOG|LOG\.old)$/.test(name));
  expect(names.some((name) => name.endsWith('.ldb'))).toBe(true);
  const random = seededRandom(utf8('rot'));
  let refused = 0;
  for (const name of names) {
    for (const [kind, damage] of Object.entries(damages)) {
      for (let round = 0; round < (kind === 'emptied' ? 1 : TRIES); round++) {
        const copy = join(folder, 'copy');
        await rm(copy, { recursive: true, force: true });
        await cp(join(folder, 'chain'), copy, { recursive: true });
        const bytes = await readFile(join(copy, name));
        await writeFile(join(copy, name), damage(bytes, random));
        const told = await readChain(copy).then(
          (height) => `height ${height}`,
          (error: unknown) => (isHelpful(error) ? 'refused' : String((error as Error).stack)),
        );
        expect(told, `${name} ${kind}`).toMatch(/^(height \d|refused)$/);
        if (told === 'refused') refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(names.length);
});

test('a log cut anywhere, as by a power cut, leaves a whole chain', async () => {
  const name = (await readdir(join(folder, 'chain'))).find((each) => each.endsWith('.log'))!;
  const whole = await readFile(join(folder, 'chain', name));
  const heights = new Set<number>();
  for (let cuts = 0; cuts <= 12; cuts++) {
    const copy = join(folder, 'cut');
    await rm(copy, { recursive: true, force: true });
    await cp(join(folder, 'chain'), copy, { recursive: true });
    await writeFile(join(copy, name), whole.subarray(0, Math.floor((whole.length * cuts) / 12)));
    heights.add(await readChain(copy));
  }
  expect(Math.min(...heights)).toBe(HEIGHTS / 2);
  expect(Math.max(...heights)).toBe(HEIGHTS);
});

describe('a content store', () => {
  test('drops a block that rotted, and takes it again', async () => {
    const dataDir = join(folder, 'content');
    const data = utf8('what was stored');
    const first = await openLocalStore(dataDir);
    const cid = await first.content.putBytes(data);
    await first.close();
    const blocks = new ClassicLevel<string, Uint8Array>(join(dataDir, 'blocks'), { valueEncoding: 'view' });
    for await (const key of blocks.keys()) await blocks.put(key, utf8('what was stared'));
    await blocks.close();
    const again = await openLocalStore(dataDir);
    expect(await again.content.rawBlock(cid)).toBeUndefined();
    await expect(again.content.getBytes(cid, { maxBytes: 100 })).rejects.toMatchObject({
      code: 'CONTENT_NOT_FOUND',
    });
    expect(await again.content.putBytes(data)).toBe(cid);
    expect(await again.content.getBytes(cid, { maxBytes: 100 })).toEqual(data);
    await again.close();
  });

  test('refuses to open on damage, with a remedy', async () => {
    const dataDir = join(folder, 'torn');
    await (await openLocalStore(dataDir)).close();
    for (const part of ['blocks', 'records']) {
      const copy = join(folder, `torn-${part}`);
      await cp(dataDir, copy, { recursive: true });
      await writeFile(join(copy, part, 'CURRENT'), 'nothing\n');
      await expect(openLocalStore(copy)).rejects.toSatisfy(isHelpful);
    }
  });
});

test('keys that rotted are refused by name of their file', async () => {
  const dataDir = join(folder, 'party');
  await writeKeys({ dataDir, mnemonic: generateMnemonic(), account: 0, password: 'test', cost: 'light' });
  const random = seededRandom(utf8('keys'));
  for (const purpose of ['evm', 'validator'] as const) {
    const file = join(dataDir, 'keys', `${purpose}.json`);
    const whole = await readFile(file);
    expect((await stat(file)).mode & 0o077).toBe(0);
    const secret = (await openKeys(dataDir, 'test', [purpose]))[purpose];
    for (const damage of Object.values(damages)) {
      await writeFile(file, damage(whole, random));
      const opened = await openKeys(dataDir, 'test', [purpose]).then(
        (keys) => toHex(keys[purpose]),
        (error: unknown) => error,
      );
      // A flip in a field that says nothing (an id, a date) changes nothing.
      if (opened !== toHex(secret))
        expect(opened).toMatchObject({ data: { file }, remedy: expect.any(String) });
    }
    await writeFile(file, whole);
  }
  await writeFile(join(dataDir, 'keys', 'public.json'), '{');
  await expect(readPublicKeys(dataDir)).rejects.toMatchObject({ code: 'BAD_KEYS' });
});
