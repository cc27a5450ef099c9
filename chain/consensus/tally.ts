/** Counting of votes by power. Signatures were checked before; weights come from the machine's configuration. */
import { hasCorrectOne, isQuorum } from '../../light/index.ts';
import type { BlockId, MachineConfig, RoundLog, Tally } from './machine-state.ts';

const keyOf = (id: BlockId | null): BlockId | '' => id ?? '';

/** The tally with one more vote; the same object when it was counted already. */
export function addVote(tally: Tally, id: BlockId | null, validator: number): Tally {
  const voters = tally.get(keyOf(id));
  if (voters?.has(validator)) return tally;
  return new Map(tally).set(keyOf(id), new Set(voters ?? []).add(validator));
}

function powerOf(config: MachineConfig, validators: Iterable<number>): bigint {
  let power = 0n;
  for (const index of validators) power += config.powers[index] ?? 0n;
  return power;
}

const total = (config: MachineConfig): bigint => config.powers.reduce((sum, power) => sum + power, 0n);

/** 2f + 1 votes for `id` (nil when null). */
export function hasQuorum(config: MachineConfig, tally: Tally, id: BlockId | null): boolean {
  const voters = tally.get(keyOf(id));
  return voters !== undefined && isQuorum(powerOf(config, voters), total(config));
}

/** 2f + 1 votes of any value, each validator counted once. */
export function hasAnyQuorum(config: MachineConfig, tally: Tally): boolean {
  return isQuorum(powerOf(config, allVoters(tally)), total(config));
}

/** The block that has a quorum here, if one does; nil does not count. */
export function quorumBlock(config: MachineConfig, tally: Tally): BlockId | undefined {
  for (const id of tally.keys()) if (id !== '' && hasQuorum(config, tally, id)) return id;
  return undefined;
}

/** Everybody has voted and no block has a quorum: nothing that is still to come can change what follows. */
export function isSpent(config: MachineConfig, tally: Tally): boolean {
  return powerOf(config, allVoters(tally)) === total(config) && quorumBlock(config, tally) === undefined;
}

function allVoters(tally: Tally): Set<number> {
  const voters = new Set<number>();
  for (const each of tally.values()) for (const index of each) voters.add(index);
  return voters;
}

/** f + 1 senders of any message in this round: at least one correct validator is there. */
export function hasCorrectSender(config: MachineConfig, round: number, log: RoundLog): boolean {
  const senders = new Set([...allVoters(log.prevotes), ...allVoters(log.precommits)]);
  if (log.proposals.length > 0) senders.add(config.proposer(round));
  return hasCorrectOne(powerOf(config, senders), total(config));
}
