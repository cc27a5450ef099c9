/** Points as the EVM's precompiles take them (EIP-2537): uncompressed, 64 bytes a coordinate, real part first. */
import { PublicKey, Signature } from '@chainsafe/blst';
import { concatBytes, FedaiError } from '../index.ts';

const COORDINATE_BYTES = 48;
const PADDING = new Uint8Array(16);

/** The coordinates in the given order, each padded to 64 bytes. */
function padded(bytes: Uint8Array, order: readonly number[]): Uint8Array {
  return concatBytes(
    ...order.flatMap((index) => [
      PADDING,
      bytes.subarray(index * COORDINATE_BYTES, (index + 1) * COORDINATE_BYTES),
    ]),
  );
}

/** 48 bytes to 128; throws `BAD_KEY` for what is no point of the group. */
export function evmPublicKey(publicKey: Uint8Array): Uint8Array {
  try {
    return padded(PublicKey.fromBytes(publicKey, true).toBytes(false), [0, 1]);
  } catch (cause) {
    throw new FedaiError('BAD_KEY', 'not a BLS12-381 public key', { bytes: publicKey.length }, { cause });
  }
}

/** 96 bytes to 256; throws `BAD_SIGNATURE` for what is no point of the group. */
export function evmSignature(signature: Uint8Array): Uint8Array {
  try {
    // The compressed form's order is imaginary part first.
    return padded(Signature.fromBytes(signature, true).toBytes(false), [1, 0, 3, 2]);
  } catch (cause) {
    const data = { bytes: signature.length };
    throw new FedaiError('BAD_SIGNATURE', 'not a BLS12-381 signature', data, { cause });
  }
}
