/** The generated ABIs that the market speaks. */
import {
  beaconHistoryAbi,
  jobManagerAbi,
  stakingAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} from '../contracts/generated/index.ts';

export { beaconHistoryAbi, jobManagerAbi, stakingAbi, usefulWorkAbi, workerRegistryAbi };

export const contractAbis = [
  jobManagerAbi,
  stakingAbi,
  workerRegistryAbi,
  beaconHistoryAbi,
  usefulWorkAbi,
] as const;
