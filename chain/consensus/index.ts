export { MAX_ANSWER_BYTES, MAX_QUESTION_BYTES } from './answers.ts';
export { createConsensus } from './driver.ts';
export { createConsensusStorage } from './files.ts';
export {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
  MAX_MESSAGE_BYTES,
  proposalBlockHash,
  type SignedProposal,
  type SignedVote,
} from './messages.ts';
export { epochBeaconHeight, selectProposer } from './proposer.ts';
export { blsScheme } from './scheme.ts';
export type {
  BlockCodec,
  Consensus,
  ConsensusHistory,
  ConsensusOptions,
  ConsensusStatus,
  ConsensusStorage,
  ConsensusTiming,
  Decided,
  Evidence,
  SignatureScheme,
  Witnesses,
  WorkProofs,
} from './types.ts';
