/**
 * The order in which the contracts come to life, as a pure function: creations at addresses known beforehand, set-up calls,
 * and at last ownership to the timelock. Whoever holds an EVM (genesis builder, Hardhat, Anvil) sends the steps as one account.
 */
import { concat, getCreateAddress, Interface, type InterfaceAbi } from 'ethers';
import { evmPublicKey, evmSignature } from '../core/bls/index.ts';
import { FedaiError, type Hex } from '../core/index.ts';
import * as generated from './generated/index.ts';

const TRAIN = 10n ** 18n;
const NOBODY: Hex = '0x0000000000000000000000000000000000000000';

/** Governed terms of jobs, as struct Parameters in interfaces/JobTypes.sol. Shares in basis points, stakes in wei. */
export interface JobParameters {
  workersBps: number;
  evaluatorsBps: number;
  burnBps: number;
  validatorsBps: number;
  evaluatorSlashBps: number;
  workerSlashBps: number;
  drawDelayBlocks: number;
  maxRounds: number;
  maxDeadlineBlocks: number;
  minWorkerStake: bigint;
  minEvaluatorStake: bigint;
  minReward: bigint;
  /** Of a worker's lock, for a trace drawn and not opened. */
  voidSlashBps: number;
  /** Of a worker's lock, for a trace proven wrong. */
  faultSlashBps: number;
  auditorsBps: number;
  /** The auditors' part where a client asks for full audit. */
  fullAuditBps: number;
}

/** Governed terms of useful work, as struct WorkParameters in interfaces/WorkTypes.sol. */
export interface WorkParameters {
  /** Work heights are its multiples. */
  interval: number;
  /** Blocks from a trace's commitment to the first beacon that may draw it. By default that of jobs. */
  drawDelay: number;
  /** Traces drawn at a work height, at most 8. */
  ranks: number;
  /** Of a work fee, kept for those who open; at most half. */
  poolBps: number;
  workerBps: number;
  openerBps: number;
  proposerBps: number;
}

/** Governed terms of audits and the court, as struct CourtParameters in interfaces/CourtTypes.sol. */
export interface CourtParameters {
  /** Traces audited of 10 000. */
  rateBps: number;
  /** Share of bad auditors that the workers' locks are sized for. */
  assumedBadBps: number;
  absentSlashBps: number;
  wrongSlashBps: number;
  auditors: number;
  segmentsPerAudit: number;
  /** Cases open at a time. */
  maxOpen: number;
  /** Of which the first half is for drawing. */
  commitBlocks: number;
  revealBlocks: number;
  /** From the opening of a case to its end; at least 2 for each case that may be open. */
  courtBlocks: number;
  /** Wei that each drawn auditor locks. */
  auditLock: bigint;
  /** Wei that a challenger puts up. */
  bond: bigint;
}

export interface StakingParameters {
  /** Must be more than the evidence window. */
  unbondingBlocks: number;
  evidenceWindowBlocks: number;
  reporterBps: number;
  equivocationBps: number;
  admissionOpen: boolean;
  minValidatorStake: bigint;
}

export interface GovernanceParameters {
  votingDelayBlocks: number;
  votingPeriodBlocks: number;
  /** Stake in wei that a proposer needs. */
  proposalStake: bigint;
  quorumPercent: number;
  timelockSeconds: number;
}

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

export const defaultJobParameters: JobParameters = {
  workersBps: 9_000,
  evaluatorsBps: 400,
  burnBps: 400,
  validatorsBps: 100,
  evaluatorSlashBps: 1_000,
  workerSlashBps: 100,
  drawDelayBlocks: 8,
  maxRounds: 10_000,
  // A week of blocks of one second.
  maxDeadlineBlocks: 604_800,
  minWorkerStake: 10n * TRAIN,
  minEvaluatorStake: 10n * TRAIN,
  minReward: TRAIN / 1_000n,
  voidSlashBps: 100,
  faultSlashBps: 10_000,
  auditorsBps: 100,
  fullAuditBps: 3_000,
};

export const defaultWorkParameters: Omit<WorkParameters, 'drawDelay'> = {
  interval: 10,
  ranks: 3,
  poolBps: 5_000,
  workerBps: 8_000,
  openerBps: 1_000,
  proposerBps: 1_000,
};

export const defaultCourtParameters: CourtParameters = {
  rateBps: 2_000,
  assumedBadBps: 2_500,
  absentSlashBps: 500,
  // Above the fee of many audits, so that a guessed digest never pays.
  wrongSlashBps: 5_000,
  auditors: 2,
  segmentsPerAudit: 1,
  maxOpen: 24,
  commitBlocks: 60,
  revealBlocks: 40,
  courtBlocks: 120,
  auditLock: TRAIN,
  bond: TRAIN,
};

export const defaultStakingParameters: StakingParameters = {
  // Three weeks of blocks of one second: longer than a light client's trusting period and the evidence window, two weeks.
  unbondingBlocks: 1_814_400,
  evidenceWindowBlocks: 1_209_600,
  reporterBps: 500,
  equivocationBps: 500,
  admissionOpen: false,
  minValidatorStake: 1_000n * TRAIN,
};

export const defaultGovernanceParameters: GovernanceParameters = {
  votingDelayBlocks: 7_200,
  votingPeriodBlocks: 50_400,
  proposalStake: 1_000n * TRAIN,
  quorumPercent: 10,
  timelockSeconds: 172_800,
};

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
