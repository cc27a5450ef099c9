/** Keys: one recovery phrase, the keys derived from it, and their encrypted form. Files are the caller's business. */
export { deriveKeys, type KeySet, keyPaths } from './derive.ts';
export {
  type KdfCost,
  MAX_KEYSTORE_CHARS,
  openKeystore,
  type SealOptions,
  sealEip2335Keystore,
  sealWeb3Keystore,
} from './keystore.ts';
export { checkMnemonic, generateMnemonic } from './phrase.ts';
