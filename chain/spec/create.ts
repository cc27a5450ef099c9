/**
 * Makes a chain spec: runs the contracts' real constructors and set-up calls in an EVM in memory and writes the
 * state they leave into `alloc`. Deterministic in its input. Owns defaults of a chain, not of the contracts.
 */
import { createBlock, createBlockHeader, type Block as EvmBlock } from '@ethereumjs/block';
import { Account, createAddressFromString } from '@ethereumjs/util';
import {
  type ContractAddresses,
  type DeploymentParameters,
  type DeploymentStep,
  deploymentPlan,
  type WorkParameters,
} from '../../contracts/deploy.ts';
import { verifyPossession } from '../../core/bls/index.ts';
import { FedaiError, fromHex, type Hex, toHex, utf8 } from '../../core/index.ts';
import {
  createChainCommon,
  createEvmPool,
  EMPTY_ROOT,
  fastKeccak,
  type Machine,
  memoryStateSource,
  StateDb,
} from '../execution/index.ts';
import { readValidators } from './readValidators.ts';
import { type ChainSpec, type ConsensusTiming, parseChainSpec, type WorkLimits } from './schema.ts';

export interface GenesisValidator {
  readonly address: Hex;
  /** 48 and 96 bytes. */
  readonly blsPublicKey: Uint8Array;
  readonly proofOfPossession: Uint8Array;
  /** Wei, staked at genesis on top of any balance. */
  readonly stake: bigint;
}

export interface CreateChainSpecInput
  extends Pick<DeploymentParameters, 'jobs' | 'court' | 'staking' | 'governance' | 'allowedNodes'> {
  readonly name: string;
  readonly chainId: number;
  readonly genesisTimeMs: number;
  readonly validators: readonly GenesisValidator[];
  /** Wei by address. */
  readonly balances: Readonly<Record<Hex, bigint>>;
  readonly gasLimit?: number;
  readonly baseFeePerGas?: bigint;
  readonly epochBlocks?: number;
  readonly consensus?: Partial<ConsensusTiming>;
  /** Limits of proofs of useful work and the draws' terms; null for a chain whose blocks carry none. */
  readonly work?: Partial<WorkLimits & Omit<WorkParameters, 'interval'>> | null;
  readonly bootstrap?: readonly string[];
}

const defaults = {
  // One second of execution at the 30 Mgas/s that a busy machine shared by four chain nodes still reaches.
  gasLimit: 30_000_000,
  baseFeePerGas: 1_000_000_000n,
  // Ten minutes of blocks of one second.
  epochBlocks: 600,
};

export const defaultConsensusTiming: ConsensusTiming = {
  blockTimeMs: 1000,
  proposeTimeoutMs: 2000,
  prevoteTimeoutMs: 1000,
  precommitTimeoutMs: 1000,
  timeoutDeltaMs: 500,
};

/** A second of one core for a replay at most, and a bundle that a home uplink sends in a few. */
export const defaultWorkLimits: WorkLimits = {
  everyBlocks: 10,
  maxReplayGas: 10_000_000_000,
  maxBundleBytes: 32 * 2 ** 20,
};

/** An address that nobody holds the key of. */
const DEPLOYER = toHex(fastKeccak(utf8('fedai-genesis-deployer/1')).slice(12));
/** A constructor or set-up call of genesis may use more than a block. */
const STEP_GAS = 500_000_000n;

/**
 * Throws `BAD_POSSESSION` when a validator does not prove its BLS key, `GENESIS_STEP` when a constructor or set-up
 * call fails, `BAD_CHAIN_SPEC` when a value is out of range.
 */
export async function createChainSpec(input: CreateChainSpecInput): Promise<ChainSpec> {
  input.validators.forEach(checkPossession);
  const gasLimit = input.gasLimit ?? defaults.gasLimit;
  const baseFeePerGas = (input.baseFeePerGas ?? defaults.baseFeePerGas).toString();
  const { everyBlocks, maxReplayGas, maxBundleBytes, formats, ...terms } = {
    ...defaultWorkLimits,
    ...input.work,
  };
  const work = input.work === null ? null : { interval: everyBlocks, ...terms };
  const deployment = deploymentPlan({
    deployer: DEPLOYER,
    ...pick(input, 'jobs', 'court', 'staking', 'governance', 'allowedNodes'),
    work,
    validators: input.validators.map(({ address, ...keys }) => ({ account: address, ...keys })),
  });
  const { alloc, validators } = await runGenesis(input, deployment.steps, deployment.addresses.staking);
  return parseChainSpec({
    format: 'fedai-chain/1',
    name: input.name,
    chainId: input.chainId,
    genesisTimeMs: input.genesisTimeMs,
    gasLimit,
    baseFeePerGas,
    consensus: { ...defaultConsensusTiming, ...input.consensus },
    epochBlocks: input.epochBlocks ?? defaults.epochBlocks,
    alloc,
    contracts: deployedContracts(deployment.addresses),
    ...(work && { work: { everyBlocks, maxReplayGas, maxBundleBytes, ...(formats && { formats }) } }),
    validators,
    bootstrap: [...(input.bootstrap ?? [])],
  });
}

/** What is not there is not named. */
const deployedContracts = (contracts: ContractAddresses) =>
  Object.fromEntries(Object.entries(contracts).filter(([, address]) => address !== null));

/** A key made from others' keys could sign commits in their names. Staking checks too; this says whose proof is bad. */
function checkPossession(
  { address, blsPublicKey, proofOfPossession }: GenesisValidator,
  index: number,
): void {
  if (verifyPossession(blsPublicKey, address, proofOfPossession)) return;
  throw new FedaiError(
    'BAD_POSSESSION',
    `genesis: validator ${index} does not prove that it holds its BLS key`,
    { index, address, blsPublicKey: toHex(blsPublicKey) },
    { remedy: 'get the key file of this validator again; its account, key and proof belong together' },
  );
}

async function runGenesis(input: CreateChainSpecInput, steps: readonly DeploymentStep[], staking: Hex) {
  const common = createChainCommon(input.chainId);
  const source = memoryStateSource();
  const db = new StateDb(source);
  const fields = {
    number: 0,
    gasLimit: STEP_GAS,
    baseFeePerGas: 0n,
    timestamp: Math.floor(input.genesisTimeMs / 1000),
  };
  const block = createBlock({ header: fields }, { common });
  const pool = createEvmPool(common, db, () => new Uint8Array(32));
  return await pool.use(EMPTY_ROOT, async (machine) => {
    for (const [address, wei] of Object.entries(input.balances)) {
      await machine.state.putAccount(createAddressFromString(address), new Account(0n, wei));
    }
    for (const step of steps) await runStep(machine, block, step);
    const alloc = allocOf(machine);
    const { stateRoot, writes } = machine.state.seal();
    source.add(writes);
    const header = createBlockHeader({ ...fields, stateRoot }, { common });
    const set = (await readValidators(header, db, common, staking)) ?? [];
    const validators = set.map((one) => ({
      address: one.address,
      blsPublicKey: toHex(one.blsPublicKey),
      power: one.power.toString(),
    }));
    return { alloc, validators };
  });
}

async function runStep({ evm, state }: Machine, block: EvmBlock, step: DeploymentStep): Promise<void> {
  const { execResult, createdAddress } = await evm.runCall({
    caller: createAddressFromString(DEPLOYER),
    ...(step.to === null ? {} : { to: createAddressFromString(step.to) }),
    data: fromHex(step.data),
    value: step.value,
    gasLimit: STEP_GAS,
    block,
    skipBalance: true,
  });
  await evm.journal.cleanup();
  state.originalStorageCache.clear();
  const created = createdAddress?.toString().toLowerCase() ?? null;
  const failure = execResult.exceptionError?.error;
  if (failure === undefined && created === (step.creates?.toLowerCase() ?? null)) return;
  throw new FedaiError(
    'GENESIS_STEP',
    `genesis: ${step.name} failed: ${failure ?? 'created at another address'}`,
    { step: step.name, revertData: toHex(execResult.returnValue), created },
    { remedy: 'check stakes, BLS keys and proofs of possession of the genesis validators' },
  );
}

function allocOf({ state }: Machine): ChainSpec['alloc'] {
  const alloc: ChainSpec['alloc'] = {};
  for (const { address, account, code, storage } of state.changes()) {
    const slots = [...storage].map(([slot, value]) => [slot, `0x${toHex(value).slice(2).padStart(64, '0')}`]);
    alloc[address as Hex] = {
      balance: account.balance.toString(),
      ...(account.nonce > 0n ? { nonce: Number(account.nonce) } : {}),
      ...(code.length > 0 ? { code: toHex(code) } : {}),
      ...(slots.length > 0 ? { storage: Object.fromEntries(slots) } : {}),
    };
  }
  return alloc;
}

/** The given keys of an object, leaving out those that are not there. */
function pick<T extends object, K extends keyof T>(from: T, ...names: K[]): Pick<T, K> {
  return Object.fromEntries(
    names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]),
  ) as Pick<T, K>;
}
