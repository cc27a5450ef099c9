import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { ZeroAddress } from 'ethers';
import { blsPublicKey, evmPublicKey, evmSignature, proofOfPossession } from '../../core/bls/index.ts';
import { equalBytes } from '../../core/index.ts';
import { blockHash, contradiction, KIND } from '../support/contracts/contradictions.ts';
import { bytes32, evaluate, GOOD_SCORE, startEvaluation } from '../support/contracts/jobSteps.ts';
import {
  type Account,
  blsSecret,
  call,
  createWorld,
  height,
  mine,
  NODE_STAKE,
  TRAIN,
  VALIDATOR_STAKES,
  type World,
} from '../support/contracts/world.ts';

const WINDOW = 15;
const EQUIVOCATION_BPS = 500n;
const REPORTER_BPS = 500n;
const share = (amount: bigint, bps = EQUIVOCATION_BPS) => (amount * bps) / 10_000n;

describe('equivocation', () => {
  let world: World;
  let accused: Account;
  let snapshot: unknown;
  const secret = blsSecret(0);
  const stake = VALIDATOR_STAKES[0]!;

  before(async () => {
    world = await createWorld();
    accused = world.validators[0]!;
  });
  beforeEach(async () => {
    snapshot = await world.provider.request({ method: 'evm_snapshot' });
  });
  afterEach(async () => {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  });

  const now = async () => Number(await height(world));
  const report = (evidence: object, reporter = world.outsider) =>
    call(world.staking, reporter, 'reportEquivocation', evidence);
  const refuses = (evidence: object, error: RegExp) => assert.rejects(report(evidence), error);

  it('slashes a share, rewards the reporter, burns the rest and jails', async () => {
    const before: bigint = await world.staking.totalBurned!();
    const evidence = contradiction({ secret, kind: 'prevote', height: await now(), round: 3 });
    const receipt = await report(evidence);
    const slashed = share(stake);
    const reward = share(slashed, REPORTER_BPS);
    assert.equal(await world.staking.stakeOf!(accused.address), stake - slashed);
    assert.equal(await world.staking.getVotes!(accused.address), stake - slashed);
    assert.equal(await world.staking.totalBurned!(), before + slashed - reward);
    assert.deepEqual((await world.staking.unbondingOf!(world.outsider.address))[0], reward);
    await holdsWhatItOwes(world);
    await call(world.staking, world.outsider, 'withdrawUnbonded');
    assert.equal(await world.staking.isJailed!(accused.address), true);
    assert.equal(await world.staking.isPunished!(accused.address, KIND.prevote, evidence.height, 3), true);
    assert.deepEqual(receipt.logs.map((log) => world.staking.interface.parseLog(log)?.name).filter(Boolean), [
      'EquivocationProven',
      'Jailed',
      'DelegateVotesChanged',
      'Slashed',
    ]);
    assert.ok(receipt.gasUsed < 700_000n, `report takes ${receipt.gasUsed} gas`);
  });

  it('counts every kind, nil votes and other valid rounds, each offence once', async () => {
    const at = { secret, height: await now() };
    const offences = [
      contradiction({ ...at, kind: 'prevote', second: { blockHash: null } }),
      contradiction({ ...at, kind: 'precommit' }),
      contradiction({ ...at, kind: 'precommit', round: 1 }),
      contradiction({ ...at, kind: 'proposal', round: 2 }),
      contradiction({
        ...at,
        kind: 'proposal',
        round: 3,
        first: { blockHash: blockHash('one block'), validRound: -1 },
        second: { blockHash: blockHash('one block'), validRound: 1 },
      }),
    ];
    let left = stake;
    for (const evidence of offences) {
      await report(evidence);
      left -= share(left);
      await refuses(evidence, /StakingEvidenceUsed/);
    }
    assert.equal(await world.staking.stakeOf!(accused.address), left);
    const swapped = { ...offences[0]!, first: offences[0]!.second, second: offences[0]!.first };
    await refuses(swapped, /StakingEvidenceUsed/);
    const others = contradiction({ ...at, kind: 'prevote', first: { blockHash: blockHash('third') } });
    await refuses(others, /StakingEvidenceUsed/);
  });

  it('refuses what proves nothing', async () => {
    const at = { secret, height: await now() };
    const evidence = contradiction({ ...at, kind: 'prevote' });
    await refuses({ ...evidence, second: evidence.first }, /StakingNoContradiction/);
    // A field that votes do not sign makes no difference.
    const same = { ...evidence.first, validRoundPlusOne: 7 };
    await refuses({ ...evidence, second: same }, /StakingNoContradiction/);
    await refuses({ ...evidence, kind: KIND.precommit }, /StakingBadSignature\(false\)/);
    await refuses({ ...evidence, round: 1 }, /StakingBadSignature/);
    await refuses({ ...evidence, height: at.height - 1 }, /StakingBadSignature/);
    const { signature } = contradiction({ ...at, secret: blsSecret(1), kind: 'prevote' }).second;
    await refuses({ ...evidence, second: { ...evidence.second, signature } }, /StakingBadSignature\(true\)/);
    await refuses(contradiction({ ...at, kind: 'prevote', chainId: 1n }), /StakingBadSignature/);
    await refuses(contradiction({ ...at, kind: 'proposal', chainId: 1n }), /StakingBadSignature/);
    const stranger = contradiction({ ...at, secret: blsSecret(8), kind: 'prevote' });
    await refuses(stranger, /StakingUnknownKey/);
  });

  it('refuses malformed points', async () => {
    const evidence = contradiction({ secret, kind: 'prevote', height: await now() });
    const key = evidence.publicKey;
    const changed = (bytes: Uint8Array, at: number, value: number) => bytes.with(at, value);
    await refuses({ ...evidence, publicKey: key.subarray(1) }, /BlsBadLength/);
    await refuses({ ...evidence, publicKey: new Uint8Array(128) }, /BlsInfinity/);
    await refuses({ ...evidence, publicKey: changed(key, 0, 1) }, /BlsNotCanonical/);
    await refuses({ ...evidence, publicKey: changed(key, 16, 0x1b) }, /BlsNotCanonical/);
    // The right x and sign of y, so the registered key's bytes, but not on the curve.
    await refuses({ ...evidence, publicKey: changed(key, 127, key[127]! ^ 1) }, /BlsNotInGroup/);
    const withSignature = (signature: Uint8Array) => ({
      ...evidence,
      first: { ...evidence.first, signature },
    });
    const good = evidence.first.signature;
    await refuses(withSignature(good.subarray(0, 192)), /BlsBadLength/);
    await refuses(withSignature(new Uint8Array(256)), /BlsInfinity/);
    await refuses(withSignature(changed(good, 64, 0xff)), /BlsNotCanonical/);
    await refuses(withSignature(changed(good, 255, good[255]! ^ 1)), /BlsNotInGroup/);
    assert.ok(equalBytes(good, evidence.first.signature));
  });

  it('refuses what is older than the window, or not yet', async () => {
    const old = contradiction({ secret, kind: 'prevote', height: await now() });
    await mine(world, WINDOW - 1);
    const snapshot = await world.provider.request({ method: 'evm_snapshot' });
    await report(old);
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
    await mine(world, 1);
    await refuses(old, /StakingEvidenceOutsideWindow/);
    await refuses(
      contradiction({ secret, kind: 'prevote', height: (await now()) + 2 }),
      /StakingEvidenceOutsideWindow/,
    );
  });

  it('reaches stake that is unbonding, not what has been released', async () => {
    await call(world.staking, accused, 'requestUnbond', 100n * TRAIN);
    const at = await now();
    await mine(world, 10);
    await call(world.staking, accused, 'requestUnbond', 300n * TRAIN);
    await mine(world, 9);
    await report(contradiction({ secret, kind: 'precommit', height: at + 10 }));
    const [matured, pending] = await world.staking.unbondingOf!(accused.address);
    assert.equal(matured, 100n * TRAIN);
    assert.equal(pending, 300n * TRAIN - share(300n * TRAIN));
    const left = stake - 400n * TRAIN;
    assert.equal(await world.staking.stakeOf!(accused.address), left - share(left));
    await mine(world, 20);
    await call(world.staking, accused, 'withdrawUnbonded');
    await holdsWhatItOwes(world);
  });

  it('leaves the locks of jobs standing, whatever it leaves of the stake', async () => {
    const locker = world.outsider;
    await asOwner(world, 'setLocker', locker.address, true);
    await asOwner(world, 'setParameters', {
      ...(await parametersOf(world)),
      equivocationBps: 9_000,
    });
    await call(world.staking, locker, 'lock', accused.address, stake - TRAIN);
    await report(contradiction({ secret, kind: 'prevote', height: await now() }));
    const left = stake - share(stake, 9_000n);
    assert.equal(await world.staking.stakeOf!(accused.address), left);
    assert.equal(await world.staking.lockedOf!(accused.address), stake - TRAIN);
    assert.equal(await world.staking.freeStakeOf!(accused.address), 0n);
    await assert.rejects(call(world.staking, accused, 'requestUnbond', 1n), /InsufficientFree/);
    await assert.rejects(call(world.staking, locker, 'lock', accused.address, 1n), /InsufficientFree/);
    const reason = bytes32('absent');
    await call(world.staking, locker, 'slash', accused.address, left + TRAIN, ZeroAddress, reason);
    assert.equal(await world.staking.stakeOf!(accused.address), 0n);
    await call(world.staking, locker, 'unlock', accused.address, stake - TRAIN - left - TRAIN);
    assert.equal(await world.staking.lockedOf!(accused.address), 0n);
    await call(world.staking, world.outsider, 'depositFor', accused.address, { value: TRAIN });
    assert.equal(await world.staking.freeStakeOf!(accused.address), TRAIN);
    await holdsWhatItOwes(world);
  });

  it('takes the validator off the list for ever, and off the fees of jobs', async () => {
    const { jobId, evaluators } = await startEvaluation(world);
    await report(contradiction({ secret, kind: 'prevote', height: await now() }));
    const active = await world.staking.validators!();
    assert.deepEqual(
      active.map(({ account }: { account: string }) => account),
      world.validators.slice(1).map(({ address }) => address),
    );
    await evaluate(world, jobId, evaluators, [GOOD_SCORE, GOOD_SCORE, GOOD_SCORE]);
    await call(world.jobs, world.outsider, 'completeJob', jobId);
    assert.equal(await world.jobs.withdrawable!(accused.address), 0n);
    assert.ok((await world.jobs.withdrawable!(world.validators[1]!.address)) > 0n);
    await asOwner(world, 'setParameters', { ...(await parametersOf(world)), admissionOpen: true });
    const register = (account: Account, secretKey: Uint8Array, provenBy = account.address) =>
      call(
        world.staking,
        account,
        'registerValidator',
        evmPublicKey(blsPublicKey(secretKey)),
        evmSignature(proofOfPossession(secretKey, provenBy)),
      );
    await assert.rejects(register(accused, blsSecret(9)), /StakingValidatorExists/);
    const newcomer = world.outsider;
    await call(world.staking, newcomer, 'deposit', { value: 1_000n * TRAIN });
    await assert.rejects(register(newcomer, secret), /StakingKeyInUse/);
    await assert.rejects(register(newcomer, blsSecret(9), accused.address), /StakingBadProof/);
    const { gasUsed } = await register(newcomer, blsSecret(9));
    assert.ok(gasUsed < 500_000n, `registration takes ${gasUsed} gas`);
    assert.equal((await world.staking.validators!()).length, 3);
    assert.equal(await world.staking.stakeOf!(world.workers[0]!.address), NODE_STAKE);
  });

  it('keeps unbonding longer than the window', async () => {
    const parameters = await parametersOf(world);
    for (const bad of [{ evidenceWindowBlocks: 20 }, { unbondingBlocks: 15 }, { equivocationBps: 10_001 }]) {
      await assert.rejects(
        asOwner(world, 'setParameters', { ...parameters, ...bad }),
        /StakingBadParameters/,
      );
    }
  });
});

/** Stakes, unbondings and rewards of everyone add up to the contract's coins. */
async function holdsWhatItOwes({ ethers, staking, addresses, ...roles }: World): Promise<void> {
  const everyone = [...roles.workers, ...roles.evaluators, ...roles.validators, roles.outsider];
  let owed = 0n;
  for (const { address } of everyone) {
    const [matured, pending] = await staking.unbondingOf!(address);
    owed += (await staking.stakeOf!(address)) + matured + pending;
  }
  assert.equal(await ethers.provider.getBalance(addresses.staking), owed);
}

const parametersOf = async (world: World) => (await world.staking.parameters!()).toObject();

/** What governance would do after a vote. */
async function asOwner({ provider, staking, addresses, ethers }: World, method: string, ...args: unknown[]) {
  const owner = addresses.timelock;
  await provider.request({ method: 'hardhat_impersonateAccount', params: [owner] });
  await provider.request({ method: 'hardhat_setBalance', params: [owner, '0xde0b6b3a7640000'] });
  const signer = await ethers.getSigner(owner);
  await call(staking, { signer, address: owner }, method, ...args);
}
