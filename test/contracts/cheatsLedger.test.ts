import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Contract } from 'ethers';
import { trainingCourtAbi } from '../../contracts/generated/index.ts';
import {
  defaultCourtParameters,
  defaultJobParameters,
  defaultWorkParameters,
} from '../../contracts/parameters.ts';
import { fromHex, type Hex, keccak256, seededRandom, toHex, utf8 } from '../../core/index.ts';
import { auditCommitment } from '../../pouw/index.ts';
import { type AuditEntry, type CaseEntry, type Court, createCourt } from '../cheats/court.ts';
import { createLedger, type JobEntry, type Ledger } from '../cheats/ledger.ts';
import type { Candidate } from '../cheats/stakeDraw.ts';
import type { Terms } from '../cheats/terms.ts';
import {
  bytes32,
  jobPost,
  REWARD,
  roundClaim,
  signRound,
  startTraining,
  traceClaim,
} from '../support/contracts/jobSteps.ts';
import { systemAccount } from '../support/contracts/workSteps.ts';
import {
  type Account,
  createWorld,
  DRAW_DELAY,
  EVALUATOR_LOCK,
  height,
  NODE_STAKE,
  VALIDATOR_STAKES,
  WORKER_STAKE,
  type World,
} from '../support/contracts/world.ts';

const SALT = bytes32('salt of audits');
const ROUNDS = 6;
const SLOTS = 3;
const work = { ...defaultWorkParameters, interval: 3, ranks: 2, drawDelay: DRAW_DELAY };
const court = {
  ...defaultCourtParameters,
  ...{ rateBps: 6_000, commitBlocks: 6, revealBlocks: 4, courtBlocks: 8, maxOpen: 2 },
};
const ownJobs = { drawDelayBlocks: DRAW_DELAY, minEvaluatorStake: EVALUATOR_LOCK };
const deadlines = { ...jobPost().deadlines, roundBlocks: 60, resultBlocks: 60 };

interface Call {
  contract: Contract;
  account: Account;
  method: string;
  args?: unknown[];
  value?: bigint;
}

/** Blocks as the chain makes them: its own calls first, then transactions. */
async function mineBlock(
  { provider, ethers, work: works, beacons, outsider }: World,
  system: Account,
  own: Contract,
  verdict: unknown[],
  opening: unknown[],
  calls: Call[],
) {
  const first: Call[] = [
    { contract: beacons, account: outsider, method: 'record' },
    {
      contract: works,
      account: system,
      method:
        opening.length > 0
          ? 'onBlock(uint64,uint8,uint256,address,bytes32,uint32,uint256,address)'
          : 'onBlock()',
      args: opening,
    },
    {
      contract: own,
      account: system,
      method: verdict.length > 0 ? 'onBlock(uint64,bool,bytes32,bytes32,uint32)' : 'onBlock()',
      args: verdict,
    },
  ];
  const hashes: { hash: string; method: string }[] = [];
  for (const [i, { contract, account, method, args = [], value = 0n }] of [...first, ...calls].entries()) {
    const tip = 10n ** 9n * BigInt(100 - i);
    const fees = { maxPriorityFeePerGas: tip, maxFeePerGas: 10n ** 12n, gasLimit: 2_500_000, value };
    const sent = await (contract.connect(account.signer) as Contract).getFunction(method).send(...args, fees);
    hashes.push({ hash: sent.hash, method });
  }
  await provider.request({ method: 'evm_mine', params: [] });
  for (const { hash, method } of hashes) {
    const receipt = await ethers.provider.getTransactionReceipt(hash);
    assert.equal(receipt?.status, 1, `${method} failed`);
  }
}

describe('the ledger of test/cheats', () => {
  let world: World;
  let system: Account;
  let trainingCourt: Contract;
  let ledger: Ledger;
  let model: Court;
  let terms: Terms;

  before(async () => {
    world = await createWorld({ work, court, jobs: ownJobs });
    system = await systemAccount(world);
    await world.provider.request({
      method: 'hardhat_setBalance',
      params: [system.address, `0x${(10n ** 24n).toString(16)}`],
    });
    trainingCourt = new Contract(world.addresses.trainingCourt!, trainingCourtAbi, world.deployer.signer);
    const { chainId } = await world.ethers.provider.getNetwork();
    terms = { chainId, jobs: { ...defaultJobParameters, ...ownJobs }, work, court, reporterBps: 500n };
    ledger = createLedger(terms);
    model = createCourt(terms, ledger);
  });

  it('moves every wei as the contracts do', async () => {
    const random = seededRandom(utf8('ledger 2'));
    const { jobId, slots } = await startTraining(world, {
      provable: true,
      deadlines,
      rounds: ROUNDS,
      fullAudit: false,
    });
    const job: JobEntry = ledger.postJob({
      ...{ client: world.client.address, reward: REWARD, workers: slots.map(({ address }) => address) },
      ...{ rounds: ROUNDS, segments: 3, workerStake: WORKER_STAKE, fullAudit: false },
    });
    await world.provider.request({ method: 'evm_setAutomine', params: [false] });
    /** Validators in turn. */
    const coinbase = async (at: number): Promise<Hex> => {
      const { address } = world.validators[at % world.validators.length]!;
      await world.provider.request({ method: 'hardhat_setCoinbase', params: [address] });
      return address;
    };
    const beacons = new Map<number, Uint8Array>();
    const run = play();
    for (let i = 0; i < 110 || model.isInCourt(job); i++) await run();
    await world.provider.request({ method: 'evm_setAutomine', params: [true] });
    const { jobs } = world;
    await (jobs.connect(world.outsider.signer) as Contract).getFunction('expireJob')(jobId);
    const payouts = ledger.settleJob(
      job,
      [],
      world.validators.map(({ address: account }, i) => ({ account, stake: VALIDATOR_STAKES[i]! })),
    );
    model.close(job);
    const settled = (await jobs.job!(jobId)).payouts;
    for (const part of ['workers', 'evaluators', 'auditors', 'burned', 'validators', 'refund'] as const) {
      assert.equal(settled[part], payouts[part], part);
    }
    await same(beacons.size);
    const states = model.audits.map(({ state }) => state);
    for (const state of ['accepted', 'judged', 'unanswered'])
      assert.ok(states.includes(state as never), `no audit ${state}: ${states}`);
    const fates = ledger.traces.map(({ fate }) => fate);
    assert.ok(model.waited > 0, 'no case had to wait');
    for (const fate of ['opened', 'void', 'faulty'])
      assert.ok(fates.includes(fate as never), `no trace ${fate}: ${fates}`);

    /** One block of what parties might do, to the contracts and to the ledger. */
    function play() {
      let round = 0;
      let fixed = 0;
      const waiting: { round: number; slot: number }[] = [];
      return async () => {
        const at = Number(await height(world)) + 1;
        const calls: Call[] = [];
        const after: (() => void)[] = [];
        const before = at - 1;
        const beaconOf = (of: number) => beacons.get(of)!;
        let opening: unknown[] = [];
        let verdict: unknown[] = [];
        if (beacons.size > 0) ledger.onBlock(at, beaconOf(before));
        const drawing = ledger.latest;
        const rank =
          drawing === null || drawing.settled ? -1 : drawing.ranks.findIndex(({ opener }) => opener === null);
        const judged: CaseEntry | undefined = model.open.find((one) => one.deadline >= at);
        if (judged !== undefined && random.chance(1, 3)) {
          const guilty = random.chance(1, 2);
          const digest = digestOf(judged.audit.trace.id, judged.segment, true);
          verdict = [judged.id, guilty, digest, toHex(judged.audit.trace.root), judged.segment];
          model.judge(judged, guilty, digest);
        } else if (rank !== -1 && random.chance(1, 2)) {
          const { trace, segment } = drawing!.ranks[rank]!;
          const opener = world.outsider.address;
          opening = [
            drawing!.height,
            rank,
            jobId,
            trace.worker,
            toHex(trace.root),
            segment,
            drawing!.totalWeight,
            opener,
          ];
          ledger.open(rank, opener);
        }
        ledger.reward(at, await coinbase(at));
        model.closeExpired(at);
        if (waiting.length === 0 && round < ROUNDS && fixed === round) {
          for (let slot = 0; slot < SLOTS; slot++) waiting.push({ round, slot });
          round++;
        }
        const next = waiting.shift();
        if (next !== undefined) {
          const claim = traceClaim(next.round, next.slot);
          calls.push({
            contract: world.jobs,
            account: slots[next.slot]!,
            method: 'commitTrace',
            args: [jobId, next.round, claim],
          });
          after.push(() => {
            const { trace, auditors } = ledger.commitTrace(
              job,
              next.round,
              next.slot,
              fromHex(claim.traceRoot, 32),
              at,
            );
            model.record(trace, auditors);
          });
        } else if (fixed < round) {
          const claim = roundClaim(fixed, 0b111n);
          const args = [jobId, fixed, claim, await signRound(world, jobId, fixed, claim, slots)];
          calls.push({ contract: world.jobs, account: slots[0]!, method: 'commitRound', args });
          fixed++;
        }
        for (const audit of model.audits) await auditStep(audit, at, calls);
        await mineBlock(world, system, trainingCourt, verdict, opening, calls);
        for (const step of after) step();
        beacons.set(at, fromHex(await world.beacons.beaconAt!(at), 32));
      };

      async function auditStep(audit: AuditEntry, at: number, calls: Call[]): Promise<void> {
        const { trace } = audit;
        const [id, contract] = [trace.id, trainingCourt];
        const accountOf = (address: Hex) => world.evaluators.find((one) => one.address === address)!;
        if (audit.state === 'none' && at === audit.drawFrom + 1) {
          const candidates: Candidate[] = [];
          for (const { address: account } of world.evaluators) {
            candidates.push({ account, stake: await world.staking.pastStakeOf!(account, trace.height) });
          }
          if (!model.drawAuditors(audit, beacons.get(audit.drawFrom)!, candidates)) return;
          calls.push({ contract, account: world.outsider, method: 'drawAuditors', args: [id] });
        } else if (audit.state === 'drawn' && at === audit.drawFrom + 2) {
          for (const auditor of audit.auditors) {
            const said = random.below(6);
            if (said === 5) continue;
            const digests =
              said === 0 ? [] : audit.segments.map((segment) => digestOf(id, segment, said > 1));
            answers.set(auditor, digests);
            auditor.committed = true;
            const commitment = toHex(
              auditCommitment({
                ...{ traceId: BigInt(id), auditor: fromHex(auditor.account, 20) },
                ...{ digests: digests.map((digest) => fromHex(digest, 32)), salt: fromHex(SALT, 32) },
              }),
            );
            calls.push({
              contract,
              account: accountOf(auditor.account),
              method: 'commitAudit',
              args: [id, commitment],
            });
          }
        } else if (audit.state === 'drawn' && at === audit.commitUntil + 1) {
          for (const auditor of audit.auditors) {
            const digests = answers.get(auditor);
            if (digests === undefined) continue;
            model.revealAudit(auditor, digests);
            calls.push({
              contract,
              account: accountOf(auditor.account),
              method: 'revealAudit',
              args: [id, digests, SALT],
            });
          }
        } else if ((audit.state === 'drawn' && at > audit.revealUntil) || audit.state === 'disputed') {
          if (model.settleAudit(audit, at))
            calls.push({ contract, account: world.outsider, method: 'settleAudit', args: [id] });
        } else if (at < audit.challengeUntil && random.chance(1, 25)) {
          const auditor = random.chance(1, 2) ? audit.auditors[0] : undefined;
          const segment = auditor === undefined ? random.below(3) : audit.segments[0]!;
          const account = auditor === undefined ? world.outsider : accountOf(auditor.account);
          if (model.challenge(audit, segment, account.address, at) === null) return;
          bonds.set(account.address, (bonds.get(account.address) ?? 0n) + court.bond);
          calls.push({
            contract,
            account,
            method: 'challenge',
            args: [id, segment],
            value: court.bond,
          });
        }
      }
    }
  });

  const answers = new Map<object, Hex[]>();
  const digestOf = (id: number, segment: number, right: boolean): Hex =>
    toHex(keccak256(utf8(`${id} ${segment} ${right}`)));

  async function same(blocks: number): Promise<void> {
    assert.ok(blocks > 100);
    const { jobs, work: works, staking } = world;
    const everyone = [
      ...world.workers,
      ...world.evaluators,
      ...world.validators,
      world.outsider,
      world.client,
    ];
    for (const { address } of everyone) {
      const staked: bigint = await staking.stakeOf!(address);
      const [matured] = await staking.unbondingOf!(address);
      const validator = world.validators.findIndex((one) => one.address === address);
      const node =
        world.workers.some((one) => one.address === address) ||
        world.evaluators.some((one) => one.address === address);
      const before = validator !== -1 ? VALIDATOR_STAKES[validator]! : node ? NODE_STAKE : 0n;
      const paidIn = address === world.client.address ? REWARD : bondsOf(address);
      const owed = [jobs, works, trainingCourt].map(
        (contract): Promise<bigint> => contract.withdrawable!(address),
      );
      const credited = (await Promise.all(owed)).reduce((sum, amount) => sum + amount, 0n);
      assert.equal(credited + staked + matured - before - paidIn, ledger.net.get(address) ?? 0n, address);
    }
    const burned = [jobs, works, trainingCourt, staking].map(
      (contract): Promise<bigint> => contract.totalBurned!(),
    );
    assert.equal(
      (await Promise.all(burned)).reduce((sum, amount) => sum + amount, 0n),
      ledger.burned,
    );
    assert.equal(await trainingCourt.pool!(), model.pool);
  }

  const bonds = new Map<Hex, bigint>();
  const bondsOf = (address: Hex): bigint => bonds.get(address) ?? 0n;
});
