/**
 * Signed envelopes for messages between peers: domain-separated, bound to a chain, expiring, replay-safe. The signer is
 * an EVM account. Says who sent a payload; what the payload means is the receiver's business.
 */

import { decode, encode } from '@ipld/dag-cbor';
import { bytesToBigInt, concatBytes, equalBytes, type Hex, uintBytes, utf8 } from './bytes.ts';
import { keccak256 } from './hash.ts';
import type { ReplayWindow } from './replay.ts';
import { SIGNATURE_BYTES, signerOf, signHash } from './signature.ts';

const SIGN_DOMAIN = utf8('fedai-envelope/1\n');
/** No honest sender looks further ahead; bounds how long a forgotten sender's message could be played again. */
const MAX_LIFETIME_MS = 10 * 60_000;

export interface EnvelopeContent {
  /** What kind of message this is, such as `fedai-round/1`; the same bytes never count in two roles. */
  domain: string;
  chainId: bigint;
  payload: Uint8Array;
  /** Grows by sender and domain; need not be dense. Below 2^64. */
  sequence: bigint;
  /** Milliseconds since the Unix epoch; at most ten minutes ahead. */
  expiresAtMs: number;
}

export interface OpenOptions {
  domain: string;
  chainId: bigint;
  nowMs: number;
  maxBytes: number;
  replay: ReplayWindow;
  /** Senders that may take a place in the replay window (addresses with EIP-55 checksum); anyone when absent. */
  maySend?: (signer: Hex) => boolean;
}

export type OpenedEnvelope =
  | { verdict: 'accept'; signer: Hex; payload: Uint8Array; sequence: bigint }
  | { verdict: 'ignore' | 'reject'; reason: string };

/** Canonical DAG-CBOR `[domain, chainId (32 bytes), sequence (8 bytes), expiresAtMs, payload, signature (65 bytes)]`. */
export function sealEnvelope(content: EnvelopeContent, privateKey: Uint8Array): Uint8Array {
  const body = bodyOf(content);
  return encode([...body, signHash(hashOf(body), privateKey)]);
}

/** Checks everything that can be known from the bytes, then the replay window. Bounded by `maxBytes`. */
export function openEnvelope(bytes: Uint8Array, options: OpenOptions): OpenedEnvelope {
  if (bytes.length > options.maxBytes) return refuse('reject', 'too large');
  const parsed = parse(bytes);
  if (!parsed) return refuse('reject', 'malformed');
  const { content, signature } = parsed;
  if (content.domain !== options.domain) return refuse('reject', 'other domain');
  if (content.chainId !== options.chainId) return refuse('reject', 'other chain');
  if (content.expiresAtMs <= options.nowMs) return refuse('ignore', 'expired');
  if (content.expiresAtMs > options.nowMs + MAX_LIFETIME_MS) return refuse('ignore', 'expires too late');
  const signer = signerOf(hashOf(bodyOf(content)), signature);
  if (!signer) return refuse('reject', 'bad signature');
  if (options.maySend && !options.maySend(signer)) return refuse('ignore', 'unknown sender');
  if (!options.replay.admit(signer, content.sequence)) return refuse('ignore', 'replayed');
  return { verdict: 'accept', signer, payload: content.payload, sequence: content.sequence };
}

type Body = [string, Uint8Array, Uint8Array, number, Uint8Array];

function bodyOf({ domain, chainId, sequence, expiresAtMs, payload }: EnvelopeContent): Body {
  return [domain, uintBytes(chainId, 32), uintBytes(sequence, 8), expiresAtMs, payload];
}

function hashOf(body: Body): Uint8Array {
  return keccak256(concatBytes(SIGN_DOMAIN, encode(body)));
}

/** Undefined unless `bytes` are exactly the canonical encoding of a well-typed envelope. */
function parse(bytes: Uint8Array): { content: EnvelopeContent; signature: Uint8Array } | undefined {
  let fields: unknown;
  try {
    fields = decode(bytes);
    if (!equalBytes(encode(fields), bytes)) return undefined;
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 6) return undefined;
  const [domain, chainId, sequence, expiresAtMs, payload, signature] = fields as unknown[];
  if (typeof domain !== 'string' || !Number.isSafeInteger(expiresAtMs)) return undefined;
  if (!isBytes(chainId, 32) || !isBytes(sequence, 8) || !isBytes(signature, SIGNATURE_BYTES))
    return undefined;
  if (!(payload instanceof Uint8Array)) return undefined;
  const content = {
    domain,
    chainId: bytesToBigInt(chainId),
    sequence: bytesToBigInt(sequence),
    expiresAtMs: expiresAtMs as number,
    payload,
  };
  return { content, signature };
}

const isBytes = (value: unknown, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length;

const refuse = (verdict: 'ignore' | 'reject', reason: string): OpenedEnvelope => ({ verdict, reason });
