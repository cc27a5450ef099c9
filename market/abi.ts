/** The generated ABIs that the market speaks. */
import {
  beaconHistoryAbi,
  jobManagerAbi,
  stakingAbi,
  workerRegistryAbi,
} from '../contracts/generated/index.ts';

export { beaconHistoryAbi, jobManagerAbi, stakingAbi, workerRegistryAbi };

export const contractAbis = [jobManagerAbi, stakingAbi, workerRegistryAbi, beaconHistoryAbi] as const;
