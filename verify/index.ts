export type { BundleReader, TrustedChain, WorkCheck, WorkGiven } from './check.ts';
export { checkWork } from './checks.ts';
export {
  type HeaderEvidence,
  type StateProof,
  type ToldBlock,
  termsOf,
  type WorkSource,
  type WorkTerms,
  workSource,
} from './source.ts';
