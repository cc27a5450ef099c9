/** Audits and cases as auditors, challengers and the chain make them. */
import assert from 'node:assert/strict';
import { afterEach, before, beforeEach } from 'node:test';
import type { Contract } from 'ethers';
import { fromHex, type Hex, toHex } from '../../../core/index.ts';
import { auditCommitment } from '../../../pouw/index.ts';
import { byAddress, bytes32, commitTraces, jobPost, salt, startTraining } from './jobSteps.ts';
import { systemAccount } from './workSteps.ts';
import { type Account, call, createWorld, goTo, NODE_STAKE, TRAIN, type World } from './world.ts';

export const AUDIT = { None: 0n, Drawn: 1n, Accepted: 2n, Disputed: 3n, Unanswered: 4n, Judged: 5n };
export const CASE = { None: 0n, Open: 1n, Upheld: 2n, Dismissed: 3n, Waiting: 4n, Dropped: 5n };

export interface AuditorRow {
  account: Hex;
  revealed: boolean;
  commitment: Hex;
  digests: Hex[];
}

export interface AuditRow {
  state: bigint;
  value: bigint;
  drawFrom: bigint;
  drawUntil: bigint;
  commitUntil: bigint;
  revealUntil: bigint;
  challengeUntil: bigint;
  caseId: bigint;
  fee: bigint;
  lock: bigint;
  segments: bigint[];
  auditors: AuditorRow[];
}

export const auditOf = async (world: World, traceId: bigint): Promise<AuditRow> =>
  world.court.auditOf!(traceId);

/** What an auditor finds in a segment, and what one finds that did not look. */
export const digestOf = (segment: bigint): Hex => bytes32(`digest ${segment}`);
export const guess = bytes32('guess');

/** Records the beacon that decides about the trace; the next transaction comes after it. */
export async function passSelection(world: World, traceId: bigint): Promise<void> {
  await goTo(world, (await auditOf(world, traceId)).drawFrom);
  await call(world.beacons, world.outsider, 'record');
}

/** Draws the auditors; in the order of the draw. */
export async function drawAuditors(world: World, traceId: bigint): Promise<Account[]> {
  await passSelection(world, traceId);
  await call(world.court, world.outsider, 'drawAuditors', traceId);
  const { auditors } = await auditOf(world, traceId);
  return byAddress(
    world.evaluators,
    auditors.map(({ account }) => account),
  );
}

const commitmentOf = (traceId: bigint, { address }: Account, digests: readonly Hex[]): Hex =>
  toHex(
    auditCommitment({
      traceId,
      auditor: fromHex(address, 20),
      digests: digests.map((digest) => fromHex(digest, 32)),
      salt: fromHex(salt, 32),
    }),
  );

/** Lets each auditor commit to its digests and reveal them. */
export async function answer(
  world: World,
  traceId: bigint,
  answers: readonly (readonly [Account, readonly Hex[]])[],
): Promise<void> {
  for (const [auditor, digests] of answers) {
    await call(world.court, auditor, 'commitAudit', traceId, commitmentOf(traceId, auditor, digests));
  }
  const { auditors, commitUntil } = await auditOf(world, traceId);
  if (answers.length < auditors.length) await goTo(world, commitUntil + 1n);
  for (const [auditor, digests] of answers) {
    await call(world.court, auditor, 'revealAudit', traceId, digests, salt);
  }
}

/** The chain's call, with a verdict or without. */
export const courtBlock = (world: World, system: Account, ...verdict: unknown[]) => {
  const signature = verdict.length === 0 ? 'onBlock()' : 'onBlock(uint64,bool,bytes32,bytes32,uint32)';
  return call(world.court as Contract, system, signature, ...verdict);
};

export const INTERVAL = 10n;
export const BOND = TRAIN;
export const LOCK = TRAIN;
export const deadlines = { ...jobPost().deadlines, roundBlocks: 200, resultBlocks: 200 };

export type Bench = Awaited<ReturnType<typeof createBench>>;

/** One bench for the tests of a `describe`: rolled back after each, with every coin of the court accounted for. */
export function useBench(take: (bench: Bench) => void): void {
  let bench: Bench;
  let snapshot: unknown;
  before(async () => {
    bench = await createBench();
    take(bench);
  });
  beforeEach(async () => {
    snapshot = await bench.world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await bench.conserved();
    await bench.world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });
}

/** A provable job whose slots have committed their traces 0 to 2, and the hands that the tests of a court need. */
async function createBench() {
  const world = await createWorld({
    work: { interval: Number(INTERVAL), ranks: 2 },
    staking: { unbondingBlocks: 20, evidenceWindowBlocks: 15, reporterBps: 500 },
  });
  const system = await systemAccount(world);
  const { jobId, slots } = await startTraining(world, { provable: true, deadlines });
  await commitTraces(world, jobId, slots, 0);
  return { world, jobId, slots, system, ...hands(world, system) };
}

function hands(world: World, system: Account) {
  const balanceOf = (address: Hex) => world.ethers.provider.getBalance(address);
  const owedTo = (account: Account): Promise<bigint> => world.court.withdrawable!(account.address);
  const stakeLost = async ({ address }: Account) => NODE_STAKE - (await world.staking.stakeOf!(address));
  const lockedOf = (account: Account): Promise<bigint> => world.staking.lockedOf!(account.address);
  const settle = (traceId: bigint) => call(world.court, world.outsider, 'settleAudit', traceId);
  const stateOf = async (traceId: bigint) => (await auditOf(world, traceId)).state;
  const challenge = (traceId: bigint, segment: number, value = BOND) =>
    call(world.court, world.outsider, 'challenge', traceId, segment, { value });
  const truth = async (traceId: bigint) => (await auditOf(world, traceId)).segments.map(digestOf);
  /** The verdict of a block on a case. */
  const judge = async (caseId: bigint, fault: boolean, digest?: Hex) => {
    const { traceId, segment } = await world.court.caseOf!(caseId);
    const { root } = await world.work.traceOf!(traceId);
    await courtBlock(world, system, caseId, fault, digest ?? digestOf(segment), root, segment);
  };
  /** All that the court got, it keeps for somebody. */
  const conserved = async () => {
    let owed: bigint =
      (await world.court.pool!()) +
      (await world.court.pots!()) +
      (await world.court.held!()) +
      (await world.court.bonds!());
    for (const account of [...world.evaluators, ...world.workers, world.outsider])
      owed += await owedTo(account);
    assert.equal(await balanceOf(world.addresses.trainingCourt!), owed);
  };
  /** Two auditors who do not agree, the first of whom is right; the case. */
  const dispute = async (traceId: bigint) => {
    const [right, wrong] = (await drawAuditors(world, traceId)) as [Account, Account];
    const digests = await truth(traceId);
    await answer(world, traceId, [
      [right, digests],
      [wrong, digests.map(() => guess)],
    ]);
    await settle(traceId);
    return { right, wrong, caseId: (await auditOf(world, traceId)).caseId };
  };

  return {
    balanceOf,
    owedTo,
    stakeLost,
    lockedOf,
    settle,
    stateOf,
    challenge,
    truth,
    judge,
    conserved,
    dispute,
  };
}
