/**
 * The order in which the contracts come to life, as a pure function: creations at addresses known beforehand, set-up calls,
 * and at last ownership to the timelock. Whoever holds an EVM (genesis builder, Hardhat, Anvil) sends the steps as one account.
 */
import { concat, getCreateAddress, Interface, type InterfaceAbi } from 'ethers';
import { evmPublicKey, evmSignature } from '../core/bls/index.ts';
import { FedaiError, type Hex } from '../core/index.ts';
import * as generated from './generated/index.ts';
import {
  type CourtParameters,
  defaultCourtParameters,
  defaultGovernanceParameters,
  defaultJobParameters,
  defaultStakingParameters,
  defaultWorkParameters,
  type GovernanceParameters,
  type JobParameters,
  quickCourtParameters,
  type StakingParameters,
  type WorkParameters,
} from './parameters.ts';

export type { CourtParameters, GovernanceParameters, JobParameters, StakingParameters, WorkParameters };
export { defaultCourtParameters, defaultJobParameters, quickCourtParameters };

const NOBODY: Hex = '0x0000000000000000000000000000000000000000';

export interface DeploymentParameters {
  /** Sends every step; owns nothing afterwards. */
  deployer: Hex;
  startNonce?: number;
  jobs?: Partial<JobParameters>;
  /** null: no useful work, for chains without system calls; work fees are then burned whole. */
  work?: Partial<WorkParameters> | null;
  /** null: traces are not audited. Without useful work there is no court. */
  court?: Partial<CourtParameters> | null;
  staking?: Partial<StakingParameters>;
  governance?: Partial<GovernanceParameters>;
  /** When given, only these accounts may register as workers or evaluators. */
  allowedNodes?: readonly Hex[];
  validators?: readonly {
    account: Hex;
    /** 48 and 96 bytes, compressed. */
    blsPublicKey: Uint8Array;
    proofOfPossession: Uint8Array;
    stake: bigint;
  }[];
}

export interface ContractAddresses {
  beaconHistory: Hex;
  staking: Hex;
  workerRegistry: Hex;
  jobManager: Hex;
  /** null where the plan leaves useful work out. */
  usefulWork: Hex | null;
  /** null where the plan leaves audits out. */
  trainingCourt: Hex | null;
  timelock: Hex;
  governor: Hex;
}

/** One transaction of the deployer. `to` is null for a creation, which lands at `creates`. */
export interface DeploymentStep {
  name: string;
  to: Hex | null;
  data: Hex;
  value: bigint;
  creates: Hex | null;
}

export interface DeploymentPlan {
  addresses: ContractAddresses;
  steps: readonly DeploymentStep[];
  /** Wei that the steps send along (stake of the validators). */
  totalValue: bigint;
}

/** Puts the addresses of its libraries into a contract's bytecode. */
export function linkBytecode(
  bytecode: Hex,
  references: Readonly<Record<string, readonly number[]>>,
  addresses: Readonly<Record<string, Hex>>,
): Hex {
  let code: string = bytecode;
  for (const [name, offsets] of Object.entries(references)) {
    const address = addresses[name];
    if (!address) throw new FedaiError('BAD_CONTRACT', 'a library has no address', { library: name });
    for (const offset of offsets) {
      const at = 2 + offset * 2;
      code = code.slice(0, at) + address.slice(2).toLowerCase() + code.slice(at + 40);
    }
  }
  return code as Hex;
}

interface Creation {
  name: string;
  abi: InterfaceAbi;
  bytecode: Hex;
  links?: Readonly<Record<string, readonly number[]>>;
  args?: readonly unknown[];
}

const {
  beaconHistoryAbi,
  fedaiGovernorAbi,
  jobEvaluationAbi,
  jobManagerAbi,
  jobSettlementAbi,
  jobTracesAbi,
  jobTrainingAbi,
  stakingAbi,
  timelockControllerAbi,
  trainingCourtAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} = generated;

/** The order of creation; a contract's place fixes its nonce and so its address. */
const creationOrder = [
  'BeaconHistory',
  'Staking',
  'WorkerRegistry',
  'JobSettlement',
  'JobTraining',
  'JobEvaluation',
  'JobTraces',
  'JobManager',
  'UsefulWork',
  'TrainingCourt',
  'TimelockController',
  'FedaiGovernor',
] as const;
type ContractName = (typeof creationOrder)[number];

/** The contracts of this plan. */
const createdBy = (parameters: DeploymentParameters): readonly ContractName[] =>
  creationOrder.filter(
    (name) =>
      (name !== 'UsefulWork' || parameters.work !== null) &&
      (name !== 'TrainingCourt' || hasCourt(parameters)),
  );

const hasCourt = ({ work, court }: DeploymentParameters): boolean => work !== null && court !== null;

function usefulWork(parameters: DeploymentParameters, at: Record<ContractName, Hex>): Creation[] {
  if (parameters.work === null) return [];
  const { drawDelayBlocks } = { ...defaultJobParameters, ...parameters.jobs };
  const work: WorkParameters = {
    ...defaultWorkParameters,
    drawDelay: drawDelayBlocks,
    ...parameters.work,
  };
  return [
    {
      name: 'UsefulWork',
      abi: usefulWorkAbi,
      bytecode: generated.usefulWorkBytecode,
      args: [parameters.deployer, at.JobManager, at.BeaconHistory, at.TrainingCourt, work],
    },
  ];
}

function trainingCourt(parameters: DeploymentParameters, at: Record<ContractName, Hex>): Creation[] {
  if (!hasCourt(parameters)) return [];
  const market = [at.JobManager, at.UsefulWork, at.Staking, at.WorkerRegistry, at.BeaconHistory];
  return [
    {
      name: 'TrainingCourt',
      abi: trainingCourtAbi,
      bytecode: generated.trainingCourtBytecode,
      args: [parameters.deployer, ...market, { ...defaultCourtParameters, ...parameters.court }],
    },
  ];
}

function creations(parameters: DeploymentParameters, at: Record<ContractName, Hex>): Creation[] {
  const jobs = { ...defaultJobParameters, ...parameters.jobs };
  const staking = { ...defaultStakingParameters, ...parameters.staking };
  const governance = { ...defaultGovernanceParameters, ...parameters.governance };
  const owner = parameters.deployer;
  return [
    { name: 'BeaconHistory', abi: beaconHistoryAbi, bytecode: generated.beaconHistoryBytecode },
    { name: 'Staking', abi: stakingAbi, bytecode: generated.stakingBytecode, args: [owner, staking] },
    {
      name: 'WorkerRegistry',
      abi: workerRegistryAbi,
      bytecode: generated.workerRegistryBytecode,
      args: [owner, at.Staking, jobs.minEvaluatorStake],
    },
    { name: 'JobSettlement', abi: jobSettlementAbi, bytecode: generated.jobSettlementBytecode },
    {
      name: 'JobTraining',
      abi: jobTrainingAbi,
      bytecode: generated.jobTrainingBytecode,
      links: generated.jobTrainingLinkReferences,
    },
    {
      name: 'JobEvaluation',
      abi: jobEvaluationAbi,
      bytecode: generated.jobEvaluationBytecode,
      links: generated.jobEvaluationLinkReferences,
    },
    { name: 'JobTraces', abi: jobTracesAbi, bytecode: generated.jobTracesBytecode },
    {
      name: 'JobManager',
      abi: jobManagerAbi,
      bytecode: generated.jobManagerBytecode,
      links: generated.jobManagerLinkReferences,
      args: [owner, at.Staking, at.WorkerRegistry, at.BeaconHistory, at.UsefulWork, at.TrainingCourt, jobs],
    },
    ...usefulWork(parameters, at),
    ...trainingCourt(parameters, at),
    {
      name: 'TimelockController',
      abi: timelockControllerAbi,
      bytecode: generated.timelockControllerBytecode,
      // The governor proposes, anyone executes what is due, nobody administers.
      args: [governance.timelockSeconds, [at.FedaiGovernor], [NOBODY], NOBODY],
    },
    {
      name: 'FedaiGovernor',
      abi: fedaiGovernorAbi,
      bytecode: generated.fedaiGovernorBytecode,
      args: [
        at.Staking,
        at.TimelockController,
        governance.votingDelayBlocks,
        governance.votingPeriodBlocks,
        governance.proposalStake,
        governance.quorumPercent,
      ],
    },
  ];
}

function creationStep(creation: Creation, at: Record<ContractName, Hex>): DeploymentStep {
  const code = linkBytecode(creation.bytecode, creation.links ?? {}, at);
  const args = new Interface(creation.abi).encodeDeploy(creation.args ?? []);
  const creates = at[creation.name as ContractName];
  return { name: creation.name, to: null, data: concat([code, args]) as Hex, value: 0n, creates };
}

function callStep(
  to: Hex,
  abi: InterfaceAbi,
  method: string,
  args: readonly unknown[],
  value = 0n,
): DeploymentStep {
  const data = new Interface(abi).encodeFunctionData(method, args) as Hex;
  return { name: method, to, data, value, creates: null };
}

function setUpSteps(parameters: DeploymentParameters, at: Record<ContractName, Hex>): DeploymentStep[] {
  const judges = hasCourt(parameters) ? [at.JobManager, at.TrainingCourt] : [at.JobManager];
  const steps = judges.flatMap((judge) => [
    callStep(at.Staking, stakingAbi, 'setLocker', [judge, true]),
    callStep(at.WorkerRegistry, workerRegistryAbi, 'setRecorder', [judge, true]),
  ]);
  for (const { account, blsPublicKey, proofOfPossession, stake } of parameters.validators ?? []) {
    const args = [account, evmPublicKey(blsPublicKey), evmSignature(proofOfPossession)];
    steps.push(callStep(at.Staking, stakingAbi, 'depositFor', [account], stake));
    steps.push(callStep(at.Staking, stakingAbi, 'registerValidatorFor', args));
  }
  if (parameters.allowedNodes) {
    steps.push(callStep(at.WorkerRegistry, workerRegistryAbi, 'setPermissioned', [true]));
    for (const account of parameters.allowedNodes) {
      steps.push(callStep(at.WorkerRegistry, workerRegistryAbi, 'setAllowed', [account, true]));
    }
  }
  const owned = [at.Staking, at.WorkerRegistry, at.JobManager];
  if (parameters.work !== null) owned.push(at.UsefulWork);
  if (hasCourt(parameters)) owned.push(at.TrainingCourt);
  for (const contract of owned) {
    steps.push(callStep(contract, stakingAbi, 'transferOwnership', [at.TimelockController]));
  }
  return steps;
}

/** Every step in order, from nonce `startNonce` of the deployer, with the addresses that result. */
export function deploymentPlan(parameters: DeploymentParameters): DeploymentPlan {
  const startNonce = parameters.startNonce ?? 0;
  const at = { UsefulWork: NOBODY, TrainingCourt: NOBODY } as Record<ContractName, Hex>;
  for (const [index, name] of createdBy(parameters).entries()) {
    at[name] = getCreateAddress({ from: parameters.deployer, nonce: startNonce + index }) as Hex;
  }
  const steps = [
    ...creations(parameters, at).map((creation) => creationStep(creation, at)),
    ...setUpSteps(parameters, at),
  ];
  return {
    addresses: {
      beaconHistory: at.BeaconHistory,
      staking: at.Staking,
      workerRegistry: at.WorkerRegistry,
      jobManager: at.JobManager,
      usefulWork: parameters.work === null ? null : at.UsefulWork,
      trainingCourt: hasCourt(parameters) ? at.TrainingCourt : null,
      timelock: at.TimelockController,
      governor: at.FedaiGovernor,
    },
    steps,
    totalValue: steps.reduce((total, step) => total + step.value, 0n),
  };
}
