export type { BundleReader, WorkCheck, WorkGiven } from './check.ts';
export { checkWork } from './checks.ts';
export {
  type HeaderEvidence,
  type ToldBlock,
  type ToldProof,
  type ToldTrace,
  type WorkSource,
  workSource,
} from './source.ts';
