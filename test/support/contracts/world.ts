/** A Hardhat network with the contracts deployed by the deployment plan, and accounts in every role. */
import {
  Contract,
  type ContractTransactionReceipt,
  Interface,
  type JsonFragment,
  type Signer,
  sha256,
} from 'ethers';
import { network } from 'hardhat';
import { type DeploymentParameters, deploymentPlan } from '../../../contracts/deploy.ts';
import {
  beaconHistoryAbi,
  fedaiGovernorAbi,
  jobManagerAbi,
  stakingAbi,
  timelockControllerAbi,
  trainingCourtAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} from '../../../contracts/generated/index.ts';
import { blsPublicKey, proofOfPossession } from '../../../core/bls/index.ts';
import { FedaiError, type Hex } from '../../../core/index.ts';

export const TRAIN = 10n ** 18n;
export const VALIDATOR_STAKES = [1_000n * TRAIN, 2_000n * TRAIN, 3_001n * TRAIN];
export const NODE_STAKE = 100n * TRAIN;
export const WORKER_STAKE = 20n * TRAIN;
export const EVALUATOR_LOCK = 10n * TRAIN;
export const DRAW_DELAY = 2;
export const WORK_INTERVAL = 3;
/** Every trace is audited, and all is over soon. */
export const COURT_TERMS = {
  rateBps: 10_000,
  segmentsPerAudit: 2,
  maxOpen: 2,
  commitBlocks: 20,
  revealBlocks: 10,
  courtBlocks: 8,
};
export const TEST_KEY = `0x${'4b'.repeat(32)}` as Hex;

export interface Account {
  signer: Signer;
  address: Hex;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

/** The n-th validator's BLS secret key. */
export const blsSecret = (index: number) => new Uint8Array(32).fill(index + 1);

async function createAccounts(
  count: number,
  ethers: { getSigners(): Promise<Signer[]> },
): Promise<Account[]> {
  const signers = (await ethers.getSigners()).slice(0, count);
  return Promise.all(
    signers.map(async (signer) => ({ signer, address: (await signer.getAddress()) as Hex })),
  );
}

export async function createWorld(overrides: Partial<DeploymentParameters> = {}) {
  const { ethers, provider } = await network.create();
  const accounts = await createAccounts(17, ethers);
  const [deployer, client] = accounts as [Account, Account];
  const workers = accounts.slice(2, 6);
  const evaluators = accounts.slice(6, 12);
  const validators = accounts.slice(12, 12 + VALIDATOR_STAKES.length);
  const plan = deploymentPlan({
    deployer: deployer.address,
    // Auditors' part the same however few segments a round has.
    jobs: { drawDelayBlocks: DRAW_DELAY, minEvaluatorStake: EVALUATOR_LOCK, feeSegments: 1 },
    work: { interval: WORK_INTERVAL },
    court: COURT_TERMS,
    governance: { votingDelayBlocks: 1, votingPeriodBlocks: 5, timelockSeconds: 10 },
    staking: { unbondingBlocks: 20, evidenceWindowBlocks: 15 },
    validators: validators.map(({ address }, index) => ({
      account: address,
      blsPublicKey: blsPublicKey(blsSecret(index)),
      proofOfPossession: proofOfPossession(blsSecret(index), address),
      stake: VALIDATOR_STAKES[index]!,
    })),
    ...overrides,
  });
  for (const step of plan.steps) {
    const sent = await deployer.signer.sendTransaction({ to: step.to, data: step.data, value: step.value });
    await sent.wait();
  }
  const at = plan.addresses;
  const runner = deployer.signer;
  const world = {
    ethers,
    provider,
    addresses: at,
    deployer,
    client,
    workers,
    evaluators,
    validators,
    outsider: accounts[16]!,
    jobs: new Contract(at.jobManager, jobManagerAbi, runner),
    work: new Contract(at.usefulWork ?? at.jobManager, usefulWorkAbi, runner),
    court: new Contract(at.trainingCourt ?? at.jobManager, trainingCourtAbi, runner),
    staking: new Contract(at.staking, stakingAbi, runner),
    registry: new Contract(at.workerRegistry, workerRegistryAbi, runner),
    beacons: new Contract(at.beaconHistory, beaconHistoryAbi, runner),
    governor: new Contract(at.governor, fedaiGovernorAbi, runner),
    timelock: new Contract(at.timelock, timelockControllerAbi, runner),
  };
  for (const [role, nodes] of [[1, workers] as const, [2, evaluators] as const]) {
    for (const node of nodes) await joinNode(world, node, role);
  }
  return world;
}

async function joinNode(world: { staking: Contract; registry: Contract }, node: Account, role: number) {
  await call(world.staking, node, 'deposit', { value: NODE_STAKE });
  const readerKey = sha256(node.address);
  await call(world.registry, node, 'register', role, '0x0024080112', readerKey, readerKey, 3);
}

const errors = new Interface(
  [
    jobManagerAbi,
    usefulWorkAbi,
    trainingCourtAbi,
    stakingAbi,
    workerRegistryAbi,
    beaconHistoryAbi,
    fedaiGovernorAbi,
    timelockControllerAbi,
  ]
    .flat()
    .filter((entry) => (entry as { type: string }).type === 'error') as JsonFragment[],
);

/** Names the contract's error in a refusal, whichever contract it comes from. */
function named(refusal: unknown): unknown {
  const { data: given, message } = refusal as { data?: unknown; message: string };
  const data = /0x[0-9a-f]{8,}/.exec(typeof given === 'string' ? given : message)?.[0];
  const parsed = data ? errors.parseError(data) : null;
  if (!parsed) return refusal;
  return new FedaiError('REVERTED', `${parsed.name}(${parsed.args})`, {}, { cause: refusal });
}

/** Sends a transaction of `account` and waits for it. */
export async function call(
  contract: Contract,
  account: Account,
  method: string,
  ...args: unknown[]
): Promise<ContractTransactionReceipt> {
  const connected = contract.connect(account.signer) as Contract;
  try {
    const sent = await connected.getFunction(method)(...args);
    return (await sent.wait())!;
  } catch (refusal) {
    throw named(refusal);
  }
}

export async function mine({ provider }: World, blocks: number | bigint): Promise<void> {
  if (blocks > 0) await provider.request({ method: 'hardhat_mine', params: [`0x${blocks.toString(16)}`] });
}

export async function height({ provider }: World): Promise<bigint> {
  return BigInt((await provider.request({ method: 'eth_blockNumber' })) as string);
}

/** Mines so that the next transaction lands in block `target`, or at once if that is past. */
export async function goTo(world: World, target: bigint): Promise<void> {
  await mine(world, target - 1n - (await height(world)));
}

/** Records the beacon that the job's next draw waits for; the next transaction comes after it. */
export async function passDraw(world: World, jobId: bigint): Promise<void> {
  await goTo(world, (await world.jobs.job!(jobId)).drawHeight);
  await call(world.beacons, world.outsider, 'record');
}

/** Mines past the deadline of the job's present step. */
export async function passDeadline(world: World, jobId: bigint): Promise<void> {
  await goTo(world, (await world.jobs.job!(jobId)).deadline + 1n);
}

/** Runs `body` and rolls the chain back to where it was. */
export async function rolledBack(world: World, body: () => Promise<void>): Promise<void> {
  const snapshot = await world.provider.request({ method: 'evm_snapshot' });
  try {
    await body();
  } finally {
    await world.provider.request({ method: 'evm_revert', params: [snapshot] });
  }
}
