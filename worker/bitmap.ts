/** Sets of slots as the bitmaps that the contract keeps: bit i stands for slot i. */

export const bitmapOf = (slots: readonly number[]): bigint =>
  slots.reduce((bits, slot) => bits | (1n << BigInt(slot)), 0n);

export function slotsOf(bitmap: bigint): number[] {
  const slots: number[] = [];
  for (let slot = 0; bitmap >> BigInt(slot) > 0n; slot++) {
    if ((bitmap >> BigInt(slot)) & 1n) slots.push(slot);
  }
  return slots;
}
