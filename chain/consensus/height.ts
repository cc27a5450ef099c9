/** Everything that is fixed during one height: sets, proposers, parent. Read once when the height opens. */
import { type Hex, toHex } from '../../core/index.ts';
import {
  type BlockCommit,
  commitHash,
  EMPTY_HASH,
  type ValidatorSet,
  validatorSetHash,
} from '../../light/index.ts';
import type { Head } from '../types.ts';
import type { MachineConfig } from './machine-state.ts';
import { epochBeaconHeight, selectProposer } from './proposer.ts';
import type { ConsensusOptions } from './types.ts';

export interface HeightContext {
  readonly height: number;
  readonly parent: Head;
  /** Commit of the parent as this node holds it; null at height 1. */
  readonly parentCommit: BlockCommit | null;
  /** The set that decides this height. */
  readonly set: ValidatorSet;
  /** The set that signed the parent. */
  readonly parentSet: ValidatorSet;
  readonly validatorsHash: Uint8Array;
  readonly nextValidatorsHash: Uint8Array;
  readonly machine: MachineConfig;
}

/** A round's proposer is asked for often and drawn by n hashes; strangers choose the round, so this is bounded. */
const MAX_CACHED_PROPOSERS = 1024;

export async function openHeight(
  options: ConsensusOptions,
  publicKey: Uint8Array | null,
): Promise<HeightContext> {
  const { application, history } = options;
  const parent = application.head;
  const height = parent.height + 1;
  const [set, nextSet, parentSet, beacon, parentCommit] = await Promise.all([
    application.validatorsAt(height),
    application.validatorsAt(height + 1),
    parent.height === 0 ? [] : application.validatorsAt(parent.height),
    history.beaconAt(epochBeaconHeight(height, options.epochBlocks)),
    parent.height === 0 ? null : history.commitAt(parent.height),
  ]);
  const self = publicKey === null ? -1 : set.findIndex((one) => toHex(one.blsPublicKey) === toHex(publicKey));
  return {
    height,
    parent,
    parentCommit,
    set,
    parentSet,
    validatorsHash: validatorSetHash(set),
    nextValidatorsHash: validatorSetHash(nextSet),
    machine: {
      height,
      powers: set.map((one) => one.power),
      self: self === -1 ? null : self,
      proposer: cachedProposer(set, beacon, height),
    },
  };
}

function cachedProposer(set: ValidatorSet, beacon: Uint8Array, height: number): (round: number) => number {
  const known = new Map<number, number>();
  return (round) => {
    const cached = known.get(round);
    if (cached !== undefined) return cached;
    const index = selectProposer(set, beacon, height, round);
    if (known.size >= MAX_CACHED_PROPOSERS) known.clear();
    known.set(round, index);
    return index;
  };
}

export const parentCommitHash = (commit: BlockCommit | null): Uint8Array =>
  commit === null ? EMPTY_HASH : commitHash(commit);

export const addressOf = (context: HeightContext, round: number): Hex =>
  context.set[context.machine.proposer(round)]!.address;
