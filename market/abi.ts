/** The generated ABIs that the market speaks. */
import {
  beaconHistoryAbi,
  jobManagerAbi,
  stakingAbi,
  trainingCourtAbi,
  usefulWorkAbi,
  workerRegistryAbi,
} from '../contracts/generated/index.ts';

export { beaconHistoryAbi, jobManagerAbi, stakingAbi, trainingCourtAbi, usefulWorkAbi, workerRegistryAbi };

export const contractAbis = [
  jobManagerAbi,
  stakingAbi,
  workerRegistryAbi,
  beaconHistoryAbi,
  usefulWorkAbi,
  trainingCourtAbi,
] as const;
