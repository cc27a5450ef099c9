/** Calls and events of the chain's contracts, read by their ABI. */
import { Interface, type InterfaceAbi, type LogDescription, type TransactionDescription } from 'ethers';
import {
  beaconHistoryAbi,
  fedaiGovernorAbi,
  jobManagerAbi,
  stakingAbi,
  timelockControllerAbi,
  trainingCourtAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} from '../../contracts/generated/index.ts';

/** By the names that a chain spec gives. */
const ABIS: Readonly<Record<string, InterfaceAbi>> = {
  jobManager: jobManagerAbi as unknown as InterfaceAbi,
  staking: stakingAbi as unknown as InterfaceAbi,
  workerRegistry: workerRegistryAbi as unknown as InterfaceAbi,
  usefulWork: usefulWorkAbi as unknown as InterfaceAbi,
  trainingCourt: trainingCourtAbi as unknown as InterfaceAbi,
  beaconHistory: beaconHistoryAbi as unknown as InterfaceAbi,
  governor: fedaiGovernorAbi as unknown as InterfaceAbi,
  timelock: timelockControllerAbi as unknown as InterfaceAbi,
};

const codecs = new Map<string, Interface>();

/** Undefined for a contract that this explorer has no ABI of. */
export function codecOf(name: string): Interface | undefined {
  if (!codecs.has(name) && Object.hasOwn(ABIS, name)) codecs.set(name, new Interface(ABIS[name]!));
  return codecs.get(name);
}

export type Contracts = Readonly<Record<string, string | null>>;

export const keyOf = (contracts: Contracts, address: string | null): string | undefined =>
  Object.keys(contracts).find((key) => contracts[key]?.toLowerCase() === address?.toLowerCase());

interface Call {
  readonly to: string | null;
  readonly input: string;
}

/** The call that a transaction makes; undefined when it is none of ours or does not decode. */
export function readCall(contracts: Contracts, { to, input }: Call): TransactionDescription | undefined {
  const codec = codecOf(keyOf(contracts, to) ?? '');
  try {
    return codec?.parseTransaction({ data: input }) ?? undefined;
  } catch {
    return undefined;
  }
}

interface RawLog {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

export function readLog(contracts: Contracts, log: RawLog): LogDescription | undefined {
  const codec = codecOf(keyOf(contracts, log.address) ?? '');
  try {
    return codec?.parseLog({ topics: [...log.topics], data: log.data }) ?? undefined;
  } catch {
    return undefined;
  }
}
