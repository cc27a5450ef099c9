declare module 'secp256k1' {
  const native: {
    /** Uncompressed (65 bytes) or compressed (33) public key; throws when there is none. */
    ecdsaRecover(signature: Uint8Array, recovery: number, hash: Uint8Array, compressed: boolean): Uint8Array;
    /** RFC 6979, low s; 64 bytes. */
    ecdsaSign(hash: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number };
  };
  export = native;
}
