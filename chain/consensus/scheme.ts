/** The signature scheme of production: BLS12-381 by blst. */
import {
  blsAggregate,
  blsPublicKey,
  blsSign,
  blsVerify,
  blsVerifyAggregate,
  blsVerifyAll,
} from '../../core/bls/index.ts';
import type { SignatureScheme } from './types.ts';

export const blsScheme: SignatureScheme = {
  publicKey: blsPublicKey,
  sign: blsSign,
  verify: blsVerify,
  verifyAll: blsVerifyAll,
  aggregate: blsAggregate,
  verifyAggregate: blsVerifyAggregate,
};
