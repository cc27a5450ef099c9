/**
 * The trace of a slot's training round: the states at the borders of its segments as a Merkle tree (RFC 6962, SHA-256).
 * What a worker commits to before anyone knows which segment will be opened.
 */
import { FedaiError, merkleLeaf, merklePath, merkleRoot, verifyMerklePath } from '../core/index.ts';

/** State roots of 32 bytes, from the first (agreed) to the last (claimed) state: one more than segments. */
export type StateRootList = readonly Uint8Array[];

/** Calldata of `commitTrace`: the root, and that its first and last leaves are these states. */
export interface TraceClaim {
  readonly traceRoot: Uint8Array;
  readonly startRoot: Uint8Array;
  readonly startPath: readonly Uint8Array[];
  readonly endRoot: Uint8Array;
  readonly endPath: readonly Uint8Array[];
}

const leavesOf = (states: StateRootList): Uint8Array[] => states.map(merkleLeaf);

export function traceClaim(states: StateRootList): TraceClaim {
  if (states.length < 2)
    throw new FedaiError('BAD_TRACE', 'a trace has two states at least', { got: states.length });
  const leaves = leavesOf(states);
  const last = states.length - 1;
  return {
    traceRoot: merkleRoot(leaves),
    startRoot: states[0]!,
    startPath: merklePath(leaves, 0),
    endRoot: states[last]!,
    endPath: merklePath(leaves, last),
  };
}

/** Path of the state after `index` segments, from the leaf up. */
export const statePath = (states: StateRootList, index: number): Uint8Array[] =>
  merklePath(leavesOf(states), index);

/** Whether `stateRoot` is state `index` of a trace of `segments` segments. */
export const isStateOf = (
  trace: { readonly traceRoot: Uint8Array; readonly segments: number },
  index: number,
  stateRoot: Uint8Array,
  path: readonly Uint8Array[],
): boolean => verifyMerklePath(trace.traceRoot, merkleLeaf(stateRoot), index, trace.segments + 1, path);
