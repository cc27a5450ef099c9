/** Who proposes: drawn by stake from the beacon at the end of the epoch before. Pure. */
import { bytesToBigInt, concatBytes, FedaiError, keccak256, uintBytes, utf8 } from '../../core/index.ts';
import { totalPower, type ValidatorSet } from '../../light/index.ts';

const DRAW_DOMAIN = utf8('fedai-proposer/1');

/** The block whose mixHash draws the proposers of `height`: the last of the epoch before, genesis in the first epoch. */
export function epochBeaconHeight(height: number, epochBlocks: number): number {
  return Math.max(0, Math.floor(height / epochBlocks) * epochBlocks - 1);
}

/**
 * Index of the proposer of (height, round). Round 0 is drawn in proportion to power. The rounds of one height draw
 * without replacement until all have had a turn, so that n rounds always reach a proposer that is alive.
 * Source of each draw: keccak256(domain ‖ epochBeacon ‖ height 8 ‖ cycle 4 ‖ turn 4) mod the power that is left.
 */
export function selectProposer(
  set: ValidatorSet,
  epochBeacon: Uint8Array,
  height: number,
  round: number,
): number {
  if (set.length === 0 || totalPower(set) === 0n)
    throw new FedaiError('EMPTY_VALIDATOR_SET', 'no validator has power', { height });
  const cycle = Math.floor(round / set.length);
  const left = set.map((one, index) => ({ index, power: one.power }));
  for (let turn = 0; ; turn++) {
    const seed = concatBytes(
      DRAW_DOMAIN,
      epochBeacon,
      uintBytes(height, 8),
      uintBytes(cycle, 4),
      uintBytes(turn, 4),
    );
    const position = drawByPower(left, bytesToBigInt(keccak256(seed)));
    if (turn === round % set.length) return left[position]!.index;
    left.splice(position, 1);
  }
}

/** Position of the entry in which `random` mod the sum of powers falls; the first when none has power. */
function drawByPower(entries: readonly { power: bigint }[], random: bigint): number {
  const total = entries.reduce((sum, entry) => sum + entry.power, 0n);
  if (total === 0n) return 0;
  let ticket = random % total;
  return entries.findIndex(({ power }) => {
    if (ticket < power) return true;
    ticket -= power;
    return false;
  });
}
