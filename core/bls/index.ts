export {
  type BlsCheck,
  blsAggregate,
  blsPublicKey,
  blsSign,
  blsVerify,
  blsVerifyAggregate,
  blsVerifyAll,
  proofOfPossession,
  verifyPossession,
} from './bls.ts';
export { evmPublicKey, evmSignature } from './eip2537.ts';
