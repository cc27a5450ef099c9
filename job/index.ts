export {
  type BatchPlan,
  type BatchPosition,
  type BatchStream,
  batchIndices,
  createBatchPlan,
} from './batches.ts';
export { type StepCost, stepCost } from './cost.ts';
export { demoModel, demoRecipe, demoTraining } from './demo.ts';
export {
  decodeJob,
  encodeJob,
  JOB_LIMITS,
  type Job,
  type JobDocument,
  jobDocumentHash,
  jobSchema,
  parseJob,
} from './document.ts';
export { checkDataFits } from './fit.ts';
export { checkFormat, type FormatHeights, isFormatActive } from './formats.ts';
export {
  type DatasetManifest,
  decodeManifest,
  encodeManifest,
  inputBytesOf,
  MAX_MANIFEST_BYTES,
  MAX_RECORDS,
  MAX_SHARD_BYTES,
  shardCount,
} from './manifest.ts';
export { allContributors, type Replay, type RoundResult, replayJob } from './replay.ts';
export {
  arrayData,
  closeRound,
  type JobSeed,
  jobBatches,
  type RoundShare,
  startingState,
  type TrainingData,
  trainRound,
} from './round.ts';
export { type ModelScore, scoreModel } from './score.ts';
export {
  bundleBytes,
  isProvable,
  type ReplayLimits,
  replayGas,
  type SegmentPlan,
  segmentPlan,
  segmentSteps,
} from './segments.ts';
