/** What a page needs to read a job's document; loaded with the engine, on which these rules stand, when a job is first shown. */
export {
  decodeJob,
  decodeManifest,
  inputBytesOf,
  JOB_LIMITS,
  jobDocumentHash,
  MAX_MANIFEST_BYTES,
  stepCost,
} from '../../job/index.ts';
