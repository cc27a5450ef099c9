export { nextBeacon } from './beacon.ts';
export {
  commitHash,
  decodeBitmap,
  decodeCommit,
  encodeBitmap,
  encodeCommit,
  MAX_COMMIT_BYTES,
  MAX_VALIDATORS,
} from './commit.ts';
export { type HeaderFields, headerFields } from './header.ts';
export { type Account, EMPTY_TRIE_ROOT, verifyAccountProof, verifyStorageProof } from './proofs.ts';
export { type RlpItem, readBigInt, readBytes, readItems, readList, readUint } from './rlp.ts';
export { decodeSection, EMPTY_HASH, encodeSection, MAX_ROUND, sectionHash } from './section.ts';
export { fieldIn, listSlot, mappingSlot, type StorageField } from './storage.ts';
export type {
  BlockCommit,
  Carried,
  Checked,
  ConsensusSection,
  Validator,
  ValidatorSet,
  VerdictSection,
  WorkSection,
} from './types.ts';
export { hasCorrectOne, isQuorum, totalPower, validatorSetHash } from './validators.ts';
export { type CommitClaim, commitSigners, verifyCommit } from './verify-commit.ts';
export {
  type CheckedHeader,
  type FollowedTo,
  type FollowStep,
  followHeaders,
  type HeaderClaim,
  verifyHeader,
} from './verify-header.ts';
export { randaoSignBytes, type VoteContent, type VoteType, voteSignBytes } from './votes.ts';
