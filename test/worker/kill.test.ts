import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, toHex } from '../../core/index.ts';
import { createEngine, stateRoots } from '../../engine/index.ts';
import { arrayData, parseJob, replayJob } from '../../job/index.ts';
import type { JobReceipt } from '../../market/index.ts';
import { until } from '../storage/until.ts';
import { type JobNetwork, type PostedToy, postToyJob, startJobNetwork } from '../support/jobNetwork.ts';
import { TRAIN } from '../support/marketChain.ts';
import { contributions, tracesOnChain, wagesCredited, wagesDue } from '../support/wages.ts';

/** Far more than fit into the test: it is ended by its deadline, not by its last round. */
const ROUNDS = 500;
const ROUND_BLOCKS = 400;
const NAMES = ['killed', 'paused', 'cut off'] as const;

let net: JobNetwork;
let posted: PostedToy;
let receipt: JobReceipt;
let rounds: number[][];
/** By name: the round before the fault, one that was fixed without the worker, one with it again. */
const told: Record<string, { slot: number; before: number; without: number; again: number }> = {};
let fixedBeforeAllDied = 0;

const fixed = () => contributions(net.client.market, posted.jobId);

/** The first round from `since` on to which the slot contributed, or did not. */
async function nextRound(slot: number, contributes: boolean, since: number): Promise<number> {
  let found = -1;
  await until(async () => {
    const all = await fixed();
    found = all.findIndex((slots, round) => round >= since && slots.includes(slot) === contributes);
    return found >= 0;
  }, 200);
  return found;
}

async function outlive(
  name: string,
  slot: number,
  strike: () => unknown,
  relieve: () => unknown,
): Promise<void> {
  const before = (await fixed()).length;
  await strike();
  const without = await nextRound(slot, false, before);
  await relieve();
  told[name] = { slot, before, without, again: await nextRound(slot, true, without + 1) };
}

async function open(): Promise<void> {
  net = await startJobNetwork({ workers: 0, evaluators: 0, reserves: 3 });
  const { market } = net.client;
  const { chain } = net.network;
  const parties = net.reserves.map((reserve) => reserve.run('worker'));
  for (const { keys } of net.reserves)
    await until(async () => (await market.nodeOf(keys.evm.address)).roles > 0);
  const deadlines = {
    volunteerBlocks: 200,
    roundBlocks: ROUND_BLOCKS,
    resultBlocks: 10,
    keyBlocks: 10,
    commitBlocks: 10,
    revealBlocks: 10,
  };
  posted = await postToyJob(
    net,
    { rounds: ROUNDS, stepsPerRound: 3, workers: 3 },
    { change: { roundTimeoutMs: 4_000, deadlines } },
  );
  await Promise.all(parties.map((party) => party.saw('volunteered')));
  await chain.mine((await market.job(posted.jobId)).drawHeight + 1 - (await market.height()));
  const clientEnds = new AbortController();
  const served = posted.agent.serve(posted.jobId, clientEnds.signal).catch(() => {});
  await until(async () => (await fixed()).length >= 1, 200);
  // From here on the client is away.
  clientEnds.abort();
  await served;
  const workers = await market.workersOf(posted.jobId);
  const slotOf = (index: number) => workers.indexOf(net.reserves[index]!.keys.evm.address);

  await outlive(
    'killed',
    slotOf(0),
    () => parties[0]!.kill(),
    () => (parties[0] = net.reserves[0]!.run('worker')),
  );
  await outlive(
    'paused',
    slotOf(1),
    () => parties[1]!.pause(),
    () => parties[1]!.resume(),
  );
  await outlive(
    'cut off',
    slotOf(2),
    () => parties[2]!.cut(),
    () => parties[2]!.mend(),
  );

  // All at once, and one of them loses its disk.
  await Promise.all(parties.map((party) => party.kill()));
  fixedBeforeAllDied = (await fixed()).length;
  await rm(net.reserves[0]!.dataDir, { recursive: true });
  for (const [index, reserve] of net.reserves.entries()) parties[index] = reserve.run('worker');
  await nextRound(slotOf(0), true, fixedBeforeAllDied);

  // Two of three are gone for good: no majority, and the one that is left ends the job at its deadline.
  await Promise.all([parties[1]!.kill(), parties[2]!.kill()]);
  await chain.mine((await market.job(posted.jobId)).deadline + 1 - (await market.height()));
  await parties[0]!.saw('settled');
  receipt = await market.jobReceipt(posted.jobId);
  rounds = await fixed();
}

beforeAll(open, 600_000);
afterAll(() => net.stop());

test.each(NAMES)(
  'while a worker is %s a round is fixed without it; it contributes again afterwards',
  (name) => {
    const { slot, before, without, again } = told[name]!;
    expect(without).toBeGreaterThanOrEqual(before);
    expect(rounds[without]).not.toContain(slot);
    expect(rounds[without]!.length).toBe(2);
    expect(again).toBeGreaterThan(without);
    expect(rounds[again]).toContain(slot);
  },
);

test('after all were killed at once the job goes on from the last fixed round', () => {
  expect(rounds.length).toBeGreaterThan(fixedBeforeAllDied);
});

test('every fixed state is the one that a replay in one process comes to', async () => {
  const { market } = net.client;
  const job = parseJob(posted.document);
  const { seed } = await market.job(posted.jobId);
  const roots: string[] = [];
  await replayJob({
    engine: await createEngine({ kernel: 'reference' }),
    job,
    data: arrayData(posted.train.inputs, posted.train.labels),
    seed: { seed: fromHex(seed), jobId: posted.jobId },
    contributors: rounds,
    onRound: ({ state }) => void roots.push(toHex(stateRoots(job.model, state).stateRoot)),
  });
  const onChain = await Promise.all(rounds.map((_, round) => market.roundOf(posted.jobId, round)));
  expect(roots).toEqual(onChain.map(({ stateRoot }) => stateRoot));
});

test('without a majority the job ends at its deadline, and all traces are paid to the wei', async () => {
  const { market } = net.client;
  expect(receipt).toMatchObject({ state: 'Failed', exit: 'WorkersAbsent', roundsFixed: rounds.length });
  const due = wagesDue(receipt, await tracesOnChain(market, posted.jobId));
  expect(await wagesCredited(market, posted.jobId, due.keys())).toEqual(due);
  for (const worker of receipt.workers) {
    expect(due.get(worker)).toBeGreaterThan(0n);
    expect(await market.freeStakeOf(worker)).toBe(20n * TRAIN);
  }
  expect(await market.withdrawable(net.reserves[0]!.keys.evm.address)).toBe(0n);
});
