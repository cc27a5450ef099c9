export { recoverPublicKey } from '#ecdsa';
export { addressOf, publicKeyAddress } from './address.ts';
export {
  bytesToBigInt,
  concatBytes,
  equalBytes,
  fromHex,
  type Hex,
  toHex,
  uintBytes,
  utf8,
} from './bytes.ts';
export { blockLinks, checkBlock, isBlockOf, MAX_BLOCK_BYTES, parseCid, verifyCidPath } from './cid.ts';
export { type Clock, sleep, steadyClock, systemClock, type TimerHandle } from './clock.ts';
export {
  type EnvelopeContent,
  type OpenedEnvelope,
  type OpenOptions,
  openEnvelope,
  sealEnvelope,
} from './envelope.ts';
export { accept, FedaiError, ignore, reject, type Verdict } from './errors.ts';
export { hmacSha256, keccak256, sha256 } from './hash.ts';
export { hostFault, isHostFault, tellHostFault } from './hostFault.ts';
export { canonicalJson, parseJson } from './json.ts';
export type { Service } from './lifecycle.ts';
export { createLog, type Log, type LogFields, type LogLevel, silentLog } from './log.ts';
export {
  type MerkleTree,
  merkleLeaf,
  merklePath,
  merkleRoot,
  merkleTree,
  verifyMerklePath,
} from './merkle.ts';
export { type Counter, type Histogram, type Labels, type Metrics, noMetrics } from './metrics/face.ts';
export { type SeededRandom, seededRandom } from './random.ts';
export { createReplayWindow, type ReplayWindow } from './replay.ts';
export { SIGNATURE_BYTES, signerOf, signHash } from './signature.ts';
export { unwrapKey, WRAPPED_KEY_BYTES, wrapKey } from './wrap.ts';
