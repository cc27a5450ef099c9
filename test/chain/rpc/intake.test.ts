/** What strangers may leave on a chain node, and what they may not. */
import { MemoryBlockstore } from 'blockstore-core';
import { MemoryDatastore } from 'datastore-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContentIntake } from '../../../chain/index.ts';
import { type Clock, parseCid, silentLog } from '../../../core/index.ts';
import { createMemoryStore, type Intake, openIntake } from '../../../storage/index.ts';
import { type SoloChain, startSoloChain } from '../../support/soloChain.ts';

const KEPT_MS = 1_000;
const TOTAL = 3 * 2 ** 20;
let now = 0;
const clock: Clock = { now: () => now, setTimer: () => ({ cancel() {} }) };
const stores = { blockstore: new MemoryBlockstore(), datastore: new MemoryDatastore() };
const open = (): Promise<Intake> =>
  openIntake({ stores, maxTotalBytes: TOTAL, keptMs: KEPT_MS, clock, log: silentLog });

let chain: SoloChain;
let guarded: SoloChain;
beforeAll(async () => {
  const intake = await open();
  chain = await startSoloChain({ mining: 'manual', intake: createContentIntake(intake, {}, clock) });
  guarded = await startSoloChain({
    mining: 'manual',
    intake: createContentIntake(intake, { token: 'a secret' }, clock),
  });
});
afterAll(async () => {
  await chain.stop();
  await guarded.stop();
});

const blockOf = (fill: number, length = 2 ** 20): Uint8Array<ArrayBuffer> =>
  new Uint8Array(length).fill(fill);
const cidOf = async (block: Uint8Array): Promise<string> => (await createMemoryStore()).putBytes(block);
const put = (
  cid: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  to = chain,
): Promise<Response> =>
  fetch(`${to.rpcUrl}/ipfs/${cid}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/vnd.ipld.raw', ...headers },
  });

test('a block is kept under its id alone', async () => {
  const cid = await cidOf(blockOf(1));
  expect((await put(cid, blockOf(2))).status).toBe(422);
  expect((await put('bafkreinonsense', blockOf(1))).status).toBe(400);
  expect((await put(cid, blockOf(1))).status).toBe(201);
  expect(await stores.blockstore.has(parseCid(cid))).toBe(true);
});

test('a page of elsewhere has to ask first, and a body is bounded', async () => {
  const cid = await cidOf(blockOf(1));
  expect((await put(cid, blockOf(1), { 'content-type': 'text/plain' })).status).toBe(415);
  const tooLong = await put(cid, blockOf(1, 2 ** 21 + 1)).catch(() => undefined);
  // The socket may close while the body is still being sent.
  if (tooLong !== undefined) expect(tooLong.status).toBe(413);
});

test('with a token only who has it is heard', async () => {
  const cid = await cidOf(blockOf(1));
  const answer = await put(cid, blockOf(1), {}, guarded).catch(() => undefined);
  if (answer !== undefined) expect(answer.status).toBe(401);
  expect((await put(cid, blockOf(1), { authorization: 'Bearer a secret' }, guarded)).status).toBe(201);
});

test('what is full takes no more until what is over is removed; a restart forgets nothing', async () => {
  const intake = await open();
  for (const fill of [1, 2, 3]) await intake.take(await cidOf(blockOf(fill)), blockOf(fill));
  await expect(intake.take(await cidOf(blockOf(4)), blockOf(4))).rejects.toMatchObject({
    code: 'STORE_FULL',
  });
  now += KEPT_MS / 2;
  await intake.take(await cidOf(blockOf(3)), blockOf(3));
  now += KEPT_MS / 2;
  const again = await open();
  expect(again.used()).toBe(TOTAL);
  await again.take(await cidOf(blockOf(4)), blockOf(4));
  expect(again.used()).toBe(2 * 2 ** 20);
  expect(await stores.blockstore.has(parseCid(await cidOf(blockOf(1))))).toBe(false);
  expect(await stores.blockstore.has(parseCid(await cidOf(blockOf(3))))).toBe(true);
});

test('the rate is bounded', async () => {
  const cid = await cidOf(blockOf(3));
  const statuses = new Set<number>();
  for (let i = 0; i < 80 && !statuses.has(429); i++) {
    const answer = await put(cid, blockOf(3)).catch(() => undefined);
    if (answer !== undefined) statuses.add(answer.status);
  }
  expect(statuses).toContain(429);
});
