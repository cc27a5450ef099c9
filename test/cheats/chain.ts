/** Heights, proposers and beacons by the chain's own functions. A party with validators may withhold its reveals, no more. */

import { epochBeaconHeight, selectProposer } from '../../chain/consensus/index.ts';
import { concatBytes, type Hex, keccak256, uintBytes, utf8 } from '../../core/index.ts';
import { nextBeacon, type ValidatorSet } from '../../light/index.ts';

/** Worth of a beacon to whoever may bias it; null where the height does not matter. */
export type BeaconWish = (height: number) => ((beacon: Uint8Array) => number) | null;

/** Choices beyond 2^6 are rarer than one in a thousand with a third of the stake. */
const MAX_TAIL = 6;

export function createChain(seed: string, validators: readonly Hex[], epochBlocks: number) {
  const set = validators.map((_, index) => ({
    publicKey: uintBytes(index + 1, 48),
    power: 1_000n,
  })) as unknown as ValidatorSet;
  const beacons: Uint8Array[] = [keccak256(utf8(`genesis ${seed}`))];
  /** Stands for the BLS signature of the height: one a validator, unknown to the others. */
  const reveal = (height: number): Uint8Array =>
    keccak256(concatBytes(utf8(`reveal ${seed} ${proposerAt(height, 0)} `), uintBytes(height, 8)));
  const cache = new Map<number, number>();

  function proposerAt(height: number, round: number): number {
    const known = cache.get(height * 2 + round);
    if (known !== undefined) return known;
    // Not of the epoch's own beacon: luck in being scheduled is not what is compared.
    const epoch = keccak256(utf8(`epoch ${seed} ${epochBeaconHeight(height, epochBlocks)}`));
    const index = selectProposer(set, epoch, height, round);
    cache.set(height * 2 + round, index);
    return index;
  }

  /** Blocks in a row up to `height` whose first proposers belong to the party, as far as the schedule is known. */
  function tailOf(height: number, isOwn: (validator: number) => boolean): number {
    let length = 0;
    const epoch = Math.floor(height / epochBlocks);
    if (Math.floor(beacons.length / epochBlocks) !== epoch) return 0;
    while (
      length < MAX_TAIL &&
      height - length >= epoch * epochBlocks &&
      isOwn(proposerAt(height - length, 0))
    )
      length++;
    return length;
  }

  /** Reveals of the heights `from` … `to` that lead to the best beacon. */
  function bestReveals(from: number, to: number, worth: (beacon: Uint8Array) => number): boolean[] {
    const length = to - from + 1;
    let best = { score: Number.NEGATIVE_INFINITY, choice: [] as boolean[] };
    // All revealed first: withholding for nothing costs the block.
    for (let mask = 2 ** length - 1; mask >= 0; mask--) {
      const choice = Array.from({ length }, (_, i) => ((mask >> i) & 1) === 1);
      let beacon = beacons.at(-1)!;
      choice.forEach((mixed, i) => {
        beacon = nextBeacon(beacon, mixed ? reveal(from + i) : new Uint8Array(0));
      });
      const score = worth(beacon);
      if (score > best.score) best = { score, choice };
    }
    return best.choice;
  }

  const plan = new Map<number, boolean>();

  return {
    beacons,
    proposerAt,
    tailOf,
    /** The next block: whose it is, and whether its first proposer has withheld it. */
    next(
      isOwn: (validator: number) => boolean,
      wish: BeaconWish | null,
    ): { proposer: number; withheld: number | null } {
      const height = beacons.length;
      const first = proposerAt(height, 0);
      if (wish !== null && isOwn(first) && !plan.has(height)) {
        for (let to = height; to < height + MAX_TAIL && tailOf(to, isOwn) > to - height; to++) {
          const worth = wish(to);
          if (worth === null) continue;
          for (const [i, mixed] of bestReveals(height, to, worth).entries()) plan.set(height + i, mixed);
          break;
        }
      }
      const mixed = plan.get(height) ?? true;
      beacons.push(nextBeacon(beacons.at(-1)!, mixed ? reveal(height) : new Uint8Array(0)));
      return mixed
        ? { proposer: first, withheld: null }
        : { proposer: proposerAt(height, 1), withheld: first };
    },
  };
}
