export { type BundleReader, checkWork, type WorkCheck, type WorkGiven } from './checks.ts';
export {
  type HeaderEvidence,
  type ToldBlock,
  type ToldProof,
  type ToldTrace,
  type WorkSource,
  workSource,
} from './source.ts';
