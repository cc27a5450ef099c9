/** Stands in for Helia's host defaults, see lean.js. */
export function libp2pDefaults() {
  throw new TypeError('fedai composes its libp2p host itself; Helia’s defaults are not loaded');
}
