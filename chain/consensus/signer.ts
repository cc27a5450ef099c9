/**
 * Signs for one validator and never twice for one (height, round, step) with different content, nor for an older one.
 * What is signed is on disk, synced, before `sign` returns. Does not decide what to vote for.
 */
import {
  canonicalJson,
  equalBytes,
  FedaiError,
  fromHex,
  type Hex,
  parseJson,
  toHex,
  utf8,
} from '../../core/index.ts';
import type { SafeFile, SignatureScheme } from './types.ts';

export type SignStep = 'propose' | 'prevote' | 'precommit';

export interface SignRequest {
  height: number;
  round: number;
  step: SignStep;
  signBytes: Uint8Array;
  /** The machine's lock at this moment; remembered with the signature. */
  lock: SignLock;
}

/** round −1 and null: no lock. */
export interface SignLock {
  round: number;
  id: Hex | null;
}

interface SignState {
  format: 'fedai-sign-state/1';
  chainId: string;
  publicKey: Hex;
  height: number;
  round: number;
  step: SignStep;
  signBytes: Hex;
  signature: Hex;
  lockedRound: number;
  lockedValue: Hex | null;
}

export interface Signer {
  readonly publicKey: Uint8Array;
  /** The signature, or why it is refused. The same request twice gives the same signature. */
  sign(request: SignRequest): { signature: Uint8Array } | { refused: string };
  /** Signs what cannot conflict (the randao reveal of a height). */
  reveal(message: Uint8Array): Uint8Array;
  /** `other`: of the very step that was signed last, with different content. */
  relationTo(request: SignRequest): 'older' | 'known' | 'other' | 'later';
  /** The lock remembered for `height`; none when the last signature was for another height. */
  lockAt(height: number): SignLock;
  /** Height of the last signature; 0 for none. */
  readonly signedHeight: number;
  /**
   * Call before the first signature. `hasTraces`: there are other files of a validator. Throws `SIGN_STATE_MISSING` when
   * they are without a sign-state; writes one where there is nothing yet.
   */
  begin(hasTraces: boolean): void;
  /**
   * Takes over a signature of this key that another life or another machine made; the caller has verified it.
   * `older`: nothing new; `conflict`: this key has signed two things at one step.
   */
  adopt(signed: SignRequest & { signature: Uint8Array }): 'older' | 'adopted' | 'conflict';
}

export interface SignerOptions {
  chainId: bigint;
  secretKey: Uint8Array;
  scheme: SignatureScheme;
  file: SafeFile;
}

const STEP_ORDER: Record<SignStep, number> = { propose: 0, prevote: 1, precommit: 2 };
const MAX_FILE_BYTES = 4096;

const SIGNATURE_BYTES = 96;
/** Before all heights: what a new validator starts from. */
const NOTHING_SIGNED: SignRequest = {
  height: 0,
  round: 0,
  step: 'propose',
  signBytes: utf8('fedai-nothing-signed/1'),
  lock: { round: -1, id: null },
};

function missingState(): FedaiError {
  return new FedaiError(
    'SIGN_STATE_MISSING',
    'there is a log of votes but no sign-state, so it is not known what was signed',
    {},
    {
      remedy:
        'restore consensus/sign-state.json; without it this key must not validate again (to go on as a follower, start without --validator)',
    },
  );
}

export function createSigner({ chainId, secretKey, scheme, file }: SignerOptions): Signer {
  const publicKey = scheme.publicKey(secretKey);
  let last = readState(file, chainId, publicKey);
  const keep = (next: SignState): void => {
    file.write(canonicalJson(next));
    last = next;
  };
  const lockAt = (height: number): SignLock =>
    last?.height === height ? { round: last.lockedRound, id: last.lockedValue } : { round: -1, id: null };
  const relationTo = (request: SignRequest) => {
    const order = last === undefined ? 1 : compare(request, last);
    if (last === undefined || order !== 0) return order < 0 ? 'older' : 'later';
    return equalBytes(fromHex(last.signBytes), request.signBytes) ? 'known' : 'other';
  };
  return {
    get signedHeight() {
      return last?.height ?? 0;
    },
    relationTo,
    begin(hasTraces) {
      if (last !== undefined) return;
      if (hasTraces) throw missingState();
      keep(stateOf(chainId, publicKey, NOTHING_SIGNED, new Uint8Array(SIGNATURE_BYTES)));
    },
    adopt(signed) {
      const relation = relationTo(signed);
      if (relation === 'other') return 'conflict';
      if (relation !== 'later') return 'older';
      const before = lockAt(signed.height);
      const lock = signed.lock.round > before.round ? signed.lock : before;
      keep(stateOf(chainId, publicKey, { ...signed, lock }, signed.signature));
      return 'adopted';
    },
    publicKey,
    reveal: (message) => scheme.sign(message, secretKey),
    lockAt,
    sign(request) {
      const order = last === undefined ? 1 : compare(request, last);
      if (last !== undefined && order < 0) return { refused: 'signed a later step before' };
      if (last !== undefined && order === 0) {
        return equalBytes(fromHex(last.signBytes), request.signBytes)
          ? { signature: fromHex(last.signature) }
          : { refused: 'signed something else at this step' };
      }
      const signature = scheme.sign(request.signBytes, secretKey);
      keep(stateOf(chainId, publicKey, request, signature));
      return { signature };
    },
  };
}

function compare(request: Pick<SignRequest, 'height' | 'round' | 'step'>, last: SignState): number {
  return (
    request.height - last.height ||
    request.round - last.round ||
    STEP_ORDER[request.step] - STEP_ORDER[last.step]
  );
}

function stateOf(
  chainId: bigint,
  publicKey: Uint8Array,
  request: SignRequest,
  signature: Uint8Array,
): SignState {
  return {
    format: 'fedai-sign-state/1',
    chainId: chainId.toString(),
    publicKey: toHex(publicKey),
    height: request.height,
    round: request.round,
    step: request.step,
    signBytes: toHex(request.signBytes),
    signature: toHex(signature),
    lockedRound: request.lock.round,
    lockedValue: request.lock.id,
  };
}

function readState(file: SafeFile, chainId: bigint, publicKey: Uint8Array): SignState | undefined {
  const bytes = file.read();
  if (bytes === undefined) return undefined;
  const state = parseState(bytes);
  if (state.chainId !== chainId.toString() || state.publicKey !== toHex(publicKey)) {
    throw new FedaiError(
      'SIGN_STATE_FOREIGN',
      'the sign-state belongs to another key or chain',
      { got: [state.chainId, state.publicKey], expected: [chainId, toHex(publicKey)] },
      { remedy: 'use the data directory of this validator key, or a new empty one for a new key' },
    );
  }
  return state;
}

function parseState(bytes: Uint8Array): SignState {
  let cause: unknown;
  try {
    const state = parseJson(bytes, MAX_FILE_BYTES) as SignState;
    if (isWellFormed(state)) return state;
  } catch (error) {
    cause = error;
  }
  throw new FedaiError(
    'SIGN_STATE_CORRUPT',
    'the sign-state cannot be read, so it is not known what was signed',
    { bytes: bytes.length },
    { cause, remedy: 'restore consensus/sign-state.json; without it this key must not validate again' },
  );
}

function isWellFormed(state: SignState): boolean {
  return (
    state.format === 'fedai-sign-state/1' &&
    Number.isSafeInteger(state.height) &&
    Number.isSafeInteger(state.round) &&
    Number.isSafeInteger(state.lockedRound) &&
    state.step in STEP_ORDER &&
    fromHex(state.signature, SIGNATURE_BYTES).length === SIGNATURE_BYTES &&
    fromHex(state.signBytes).length > 0 &&
    (state.lockedValue === null || fromHex(state.lockedValue, 32).length === 32)
  );
}
