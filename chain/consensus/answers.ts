/**
 * What a validator tells another that starts: its head with proof, and the messages of the asker that it holds. Signed
 * with its key over the asker's nonce, so that an answer is one validator's and fresh.
 */
import { encode } from '@ethereumjs/rlp';
import { concatBytes, FedaiError, keccak256, uintBytes, utf8 } from '../../core/index.ts';
import {
  type BlockCommit,
  decodeCommit,
  encodeCommit,
  MAX_COMMIT_BYTES,
  readBytes,
  readItems,
  readList,
  readUint,
} from '../../light/index.ts';
import {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
  MAX_MESSAGE_BYTES,
} from './messages.ts';

export interface Question {
  /** 32 random bytes. */
  nonce: Uint8Array;
  /** BLS key of the validator that starts, 48 bytes. */
  publicKey: Uint8Array;
}

export interface Answer {
  /** Index of the answering validator. */
  validator: number;
  height: number;
  /** Of the block at `height`; null at 0. */
  commit: BlockCommit | null;
  /** Of the asker, at the height that the answering validator works on. */
  messages: ConsensusMessage[];
}

/** A round has a proposal and two votes; an equivocator has more. */
export const MAX_ANSWERED = 16;
/** Of those, votes of the next height. */
export const MAX_ANSWERED_AHEAD = 4;
export const MAX_QUESTION_BYTES = 96;
export const MAX_ANSWER_BYTES = MAX_ANSWERED * (MAX_MESSAGE_BYTES + 4) + MAX_COMMIT_BYTES + 160;
const DOMAIN = utf8('fedai-answer/1');

export const encodeQuestion = ({ nonce, publicKey }: Question): Uint8Array => encode([nonce, publicKey]);

/** Throws `BAD_RLP`. */
export function decodeQuestion(bytes: Uint8Array): Question {
  const items = readList(bytes, 'question for signed messages', MAX_QUESTION_BYTES, 2);
  return { nonce: readBytes(items[0], 'nonce', 32), publicKey: readBytes(items[1], 'public key', 48) };
}

/** domain 14 ‖ chainId 32 ‖ nonce 32 ‖ keccak256(body) 32. */
export const answerSignBytes = (chainId: bigint, nonce: Uint8Array, body: Uint8Array): Uint8Array =>
  concatBytes(DOMAIN, uintBytes(chainId, 32), nonce, keccak256(body));

/** RLP [body, signature], body = RLP [validator, height, commit, [message, …]]. */
export function encodeAnswer(answer: Answer, sign: (body: Uint8Array) => Uint8Array): Uint8Array {
  const { validator, height, commit, messages } = answer;
  const proof = commit === null ? new Uint8Array(0) : encodeCommit(commit);
  const body = encode([validator, height, proof, messages.map(encodeConsensusMessage)]);
  return encode([body, sign(body)]);
}

/** Throws `BAD_RLP`. */
export function decodeAnswer(bytes: Uint8Array): { answer: Answer; body: Uint8Array; signature: Uint8Array } {
  const outer = readList(bytes, 'answer', MAX_ANSWER_BYTES, 2);
  const body = readBytes(outer[0], 'body of an answer');
  const items = readList(body, 'body of an answer', MAX_ANSWER_BYTES, 4);
  const proof = readBytes(items[2], 'commit');
  const messages = readItems(items[3], 'messages');
  if (messages.length > MAX_ANSWERED) {
    throw new FedaiError('BAD_RLP', 'an answer has too many messages', {
      got: messages.length,
      expected: `<= ${MAX_ANSWERED}`,
    });
  }
  const answer: Answer = {
    validator: readUint(items[0], 'validator index', 0xffff),
    height: readUint(items[1], 'height'),
    commit: proof.length === 0 ? null : decodeCommit(proof),
    messages: messages.map((item) => decodeConsensusMessage(readBytes(item, 'message'))),
  };
  return { answer, body, signature: readBytes(outer[1], 'signature', 96) };
}
