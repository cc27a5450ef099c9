/**
 * The rule set of the chain as ethereumjs wants it: Prague from block 0, with native and WebAssembly cryptography.
 * Owns no chain parameters besides the fork; those are in the chain spec.
 */
import { type Common, createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common';
import { calculateSigRecovery } from '@ethereumjs/util';
import { createKeccak } from 'hash-wasm';
import { FedaiError, recoverPublicKey } from '../../core/index.ts';

const hasher = await createKeccak(256);

/** Keccak-256 in WebAssembly: seven times as fast as the portable one on 32 bytes. */
export const fastKeccak = (bytes: Uint8Array): Uint8Array => hasher.init().update(bytes).digest('binary');

/** Public key (64 bytes) that made a signature; throws when there is none. */
function nativeRecover(
  hash: Uint8Array,
  v: bigint,
  r: Uint8Array,
  s: Uint8Array,
  chainId?: bigint,
): Uint8Array {
  const recovery = Number(calculateSigRecovery(v, chainId));
  if ((recovery !== 0 && recovery !== 1) || r.length > 32 || s.length > 32) {
    throw new FedaiError('BAD_SIGNATURE', 'malformed transaction signature', { v });
  }
  const signature = new Uint8Array(64);
  signature.set(r, 32 - r.length);
  signature.set(s, 64 - s.length);
  return recoverPublicKey(hash, { signature, recovery }).subarray(1);
}

/**
 * The chain has no blobs, so no commitment to one is ever proved: the point-evaluation precompile (0x0a) fails and takes
 * its gas. Left out, it would throw through the EVM, and a transaction that calls it could neither run nor be charged.
 */
const noBlobs = (): never => {
  throw new FedaiError('INVARIANT', 'this chain has no blobs');
};
const kzg = {
  verifyProof: () => false,
  verifyBlobProofBatch: () => false,
  blobToKzgCommitment: noBlobs,
  computeBlobProof: noBlobs,
  computeCells: noBlobs,
  computeCellsAndProofs: noBlobs,
  recoverCellsAndProofs: noBlobs,
  verifyCellKzgProofBatch: () => false,
};

// Mainnet's schedule has rules tied to its own heights (first base fee, the DAO's extra data), so every fork starts at 0.
const forks = Mainnet.hardforks.filter((fork) => fork.name !== Hardfork.Dao);
const prague = forks.findIndex((fork) => fork.name === Hardfork.Prague);
const hardforks = forks
  .slice(0, prague + 1)
  .map((fork) =>
    fork.timestamp === undefined
      ? { name: fork.name, block: 0 }
      : { name: fork.name, block: null, timestamp: 0 },
  );

/** Rules for `chainId`; one instance may be shared by everything that does not switch forks. */
export function createChainCommon(chainId: number): Common {
  return createCustomCommon({ name: 'fedai', chainId, hardforks }, Mainnet, {
    hardfork: Hardfork.Prague,
    customCrypto: { keccak256: fastKeccak, ecrecover: nativeRecover, kzg },
  });
}
