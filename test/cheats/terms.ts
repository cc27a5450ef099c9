/** The rules of money as they are deployed, and what things cost beside them: the figures that a cheat has to beat. */
import {
  type CourtParameters,
  defaultCourtParameters,
  defaultJobParameters,
  defaultStakingParameters,
  defaultWorkParameters,
  type JobParameters,
  type WorkParameters,
} from '../../contracts/parameters.ts';

export const TRAIN = 10n ** 18n;
export const BPS = 10_000n;

/** Governed terms, as the deployment plan sets them for a new network. */
export interface Terms {
  readonly chainId: bigint;
  readonly jobs: JobParameters;
  readonly work: WorkParameters;
  readonly court: CourtParameters;
  /** Of a slash, to whoever reported it. */
  readonly reporterBps: bigint;
}

export const productionTerms: Terms = {
  chainId: 4_207n,
  jobs: defaultJobParameters,
  work: { ...defaultWorkParameters, drawDelay: defaultJobParameters.drawDelayBlocks },
  court: defaultCourtParameters,
  reporterBps: BigInt(defaultStakingParameters.reporterBps),
};

/** What is not in any contract. */
export interface Costs {
  /** Computing a slot's training round, of the pay for it: what skipping it saves. */
  readonly computeBps: bigint;
  /** Executing a segment again, of having computed it: replay hashes two states and no more, see the bench `work`. */
  readonly replayBps: bigint;
  /** Wei for a transaction: 400 000 gas (a trace's commitment) at 1 gwei. */
  readonly transaction: bigint;
  /** Wei of tips that a proposer forgoes with its block. */
  readonly tips: bigint;
}

export const productionCosts: Costs = {
  computeBps: 8_000n,
  replayBps: 10_200n,
  transaction: 400_000n * 10n ** 9n,
  tips: 20n * 400_000n * 10n ** 9n,
};
