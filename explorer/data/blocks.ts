/** Who signed which block, read from block commits. */
import type { Commit, Validators } from '../rpc/shapes.ts';

/** Whether validator `index` signed. */
export function isSigner(commit: Commit | null, index: number): boolean {
  const bitmap = commit?.commit?.bitmap ?? '0x';
  const byte = Number.parseInt(bitmap.slice(2 + 2 * (index >> 3), 4 + 2 * (index >> 3)), 16) || 0;
  return ((byte >> (index & 7)) & 1) === 1;
}

/** Share of all voting power that signed. */
export function signedShare(commit: Commit | null, set: Validators): number {
  const total = set.reduce((sum, { power }) => sum + power, 0n);
  const signed = set.reduce((sum, { power }, i) => (isSigner(commit, i) ? sum + power : sum), 0n);
  return total === 0n ? 0 : Number((signed * 10_000n) / total) / 10_000;
}
