/**
 * A validator that breaks the rules on purpose. A production driver without a memory tells it where consensus stands;
 * what leaves the node is this program's: the driver's messages spoiled on the way, and inventions of its own.
 */
import {
  type ConsensusMessage,
  encodeConsensusMessage,
  type SignedProposal,
  type SignedVote,
  selectProposer,
} from '../../../chain/consensus/index.ts';
import { proposalBlockHash, proposalSignBytes } from '../../../chain/consensus/messages.ts';
import type { Block } from '../../../chain/types.ts';
import { equalBytes, sha256, uintBytes } from '../../../core/index.ts';
import {
  encodeCommit,
  encodeSection,
  MAX_ROUND,
  type VoteType,
  voteSignBytes,
} from '../../../light/index.ts';
import { craftBlock, craftInvalid } from './craft.ts';
import type { Deed } from './deeds.ts';
import { lie } from './lies.ts';
import { packetOf, send } from './network.ts';
import { CHAIN_ID, EPOCH_BLOCKS, type Node, type Packet, secretOf, type World } from './node.ts';
import type { Answer } from './peer.ts';

export interface Byzantine {
  /** What its driver would broadcast. */
  outgoing(message: ConsensusMessage): void;
  heard(packet: Packet): void;
  /** What it answers instead of `honest`. */
  serve(protocol: string, request: Uint8Array, honest: Answer): Answer;
  /** A block that it made up and proposed. */
  block(hash: Uint8Array): Block | undefined;
  /** Does something of its own; called now and then. */
  act(): void;
}

const MEMORY = 256;

export function createByzantine(world: World, node: Node, deeds: ReadonlySet<Deed>): Byzantine {
  const state: State = { world, node, deeds, memory: [], precommits: [], crafted: [] };
  return {
    outgoing: (message) =>
      message.kind === 'vote' ? outgoingVote(state, message) : outgoingProposal(state, message),
    heard(packet) {
      state.memory.push(packet);
      if (state.memory.length > MEMORY) state.memory.shift();
      if (packet.message?.kind === 'vote' && packet.message.type === 'precommit')
        state.precommits.push(packet.message);
      if (deeds.has('vote-for-all') && packet.message) voteLikewise(state, packet.message);
    },
    serve(protocol, request, honest) {
      return lie(world, node, deeds, { protocol, request, honest, votes: state.precommits });
    },
    block: (hash) => state.crafted.find((one) => equalBytes(one.header.hash(), hash)),
    act: () => act(state),
  };
}

interface State {
  world: World;
  node: Node;
  deeds: ReadonlySet<Deed>;
  /** The latest messages heard. */
  memory: Packet[];
  /** All that were heard, for forged commits. */
  precommits: SignedVote[];
  crafted: Block[];
}

const others = ({ world, node }: State): Node[] => world.nodes.filter((one) => one !== node);

function tell(state: State, to: Node, message: ConsensusMessage): void {
  send(state.world, state.node, to, packetOf(state.world, encodeConsensusMessage(message)), false);
}

/** To a random part of the others. */
function tellSome(state: State, message: ConsensusMessage): void {
  const { random } = state.world.schedule;
  const packet = packetOf(state.world, encodeConsensusMessage(message));
  for (const to of others(state)) if (random.chance(2, 3)) send(state.world, state.node, to, packet, false);
}

const makeUp = ({ schedule: { random } }: World): Uint8Array => sha256(uintBytes(random.below(1 << 20), 4));

/** Something that can be voted for: nil, what others talk of, a block of its own, or one that nobody has. */
function drawValue(state: State): Uint8Array | null {
  const { random } = state.world.schedule;
  const told = state.memory.flatMap(({ message }) =>
    message?.kind === 'vote' && message.blockHash !== null ? [message.blockHash] : [],
  );
  const known = [...told.slice(-6), ...state.crafted.slice(-3).map((one) => one.header.hash())];
  return random.pick([null, makeUp(state.world), ...known, ...known]);
}

function signVote(
  { world, node }: State,
  vote: { type: VoteType; height: number; round: number; blockHash: Uint8Array | null },
): SignedVote {
  const signature = world.scheme.sign(
    voteSignBytes({ chainId: CHAIN_ID, ...vote }),
    secretOf(node.validator),
  );
  return { kind: 'vote', ...vote, validator: node.validator, signature, attempt: 0 };
}

function outgoingVote(state: State, vote: SignedVote): void {
  const { deeds, world } = state;
  const { random } = world.schedule;
  const { type, height, round } = vote;
  for (const to of others(state)) {
    if (deeds.has('withhold-votes') && random.chance(1, 3)) continue;
    const isDouble = deeds.has('double-votes') && random.chance(1, 2);
    if (isDouble) tell(state, to, signVote(state, { type, height, round, blockHash: drawValue(state) }));
    if (!isDouble || random.chance(1, 2)) tell(state, to, vote);
  }
  const times = deeds.has('flood') && random.chance(1, 4) ? 10 : 0;
  for (let i = 0; i < times; i++)
    tellSome(state, signVote(state, { type, height, round, blockHash: makeUp(world) }));
}

function voteLikewise(state: State, message: ConsensusMessage): void {
  const { node, world } = state;
  const { height, round } = message;
  if (height !== node.ledger.head.height + 1) return;
  if (message.kind === 'vote' && (message.blockHash === null || message.validator === node.validator)) return;
  const type = message.kind === 'vote' ? message.type : 'prevote';
  const blockHash = message.kind === 'vote' ? message.blockHash : proposalBlockHash(message);
  const vote = signVote(state, { type, height, round, blockHash });
  if (world.schedule.random.chance(1, 2)) tellSome(state, vote);
  else tell(state, world.schedule.random.pick(others(state)), vote);
}

/** Makes a block for `round` and signs its proposal. */
function propose(state: State, round: number, validRound: number): SignedProposal {
  const { world, node, deeds } = state;
  const { random } = world.schedule;
  const isInvalid = deeds.has('invalid-blocks') && random.chance(1, 2);
  // From the future, now and then: valid for all that a block can show, but nobody may vote for it yet.
  const shift = random.chance(1, 5) ? 40 : random.below(4);
  const bornIn = validRound === -1 ? round : random.below(validRound + 1);
  const block = isInvalid ? craftInvalid(world, node, bornIn) : craftBlock(world, node, bornIn, shift);
  const isOurs = world.set[proposerOf(state, bornIn)]!.address === node.address;
  world.judge.built(block, !isInvalid && isOurs);
  state.crafted.push(block);
  if (state.crafted.length > MEMORY) state.crafted.shift();
  const height = node.ledger.head.height + 1;
  const hash = block.header.hash();
  const signBytes = proposalSignBytes(CHAIN_ID, { height, round, validRound }, hash);
  return {
    kind: 'proposal',
    height,
    round,
    validRound,
    header: block.header.serialize(),
    section: encodeSection(block.section),
    parentCommit: block.parentCommit === null ? new Uint8Array(0) : encodeCommit(block.parentCommit),
    signature: world.scheme.sign(signBytes, secretOf(node.validator)),
    attempt: 0,
  };
}

/** Somebody's block of an earlier round once more, with a valid round that may be a lie. */
function repropose(state: State, round: number): SignedProposal | undefined {
  const { world, node, memory } = state;
  const { random } = world.schedule;
  const height = node.ledger.head.height + 1;
  const earlier = memory.flatMap(({ message }) =>
    message?.kind === 'proposal' && message.height === height && message.round < round ? [message] : [],
  );
  if (earlier.length === 0) return undefined;
  const chosen = random.pick(earlier);
  const validRound = chosen.round + random.below(round - chosen.round);
  const signBytes = proposalSignBytes(CHAIN_ID, { height, round, validRound }, proposalBlockHash(chosen));
  const signature = world.scheme.sign(signBytes, secretOf(node.validator));
  return { ...chosen, round, validRound, signature, attempt: 0 };
}

function outgoingProposal(state: State, proposal: SignedProposal): void {
  const { deeds, world } = state;
  const { random } = world.schedule;
  const { round, validRound } = proposal;
  const isSpoiled = deeds.has('double-proposals') || deeds.has('invalid-blocks');
  const again = deeds.has('false-reproposals') ? repropose(state, round) : undefined;
  const own = [
    ...(isSpoiled ? [propose(state, round, -1), propose(state, round, validRound)] : []),
    ...(again === undefined ? [] : [again, again]),
  ];
  for (const to of others(state)) {
    if (deeds.has('withhold-proposals') && random.chance(1, 2)) continue;
    const offer = random.pick([proposal, ...own]);
    tell(state, to, offer);
    if (deeds.has('double-proposals') && random.chance(1, 2))
      tell(state, to, random.pick([proposal, ...own]));
  }
}

function proposerOf({ world, node }: State, round: number): number {
  const { ledger } = node;
  const height = ledger.head.height + 1;
  const last = Math.max(0, Math.floor(height / EPOCH_BLOCKS) * EPOCH_BLOCKS - 1);
  return selectProposer(world.set, ledger.store.block(last)!.header.mixHash, height, round);
}

function act(state: State): void {
  const { deeds, world } = state;
  const { random } = world.schedule;
  if (deeds.has('other-rounds') && random.chance(1, 2)) actInOtherRounds(state);
  if (deeds.has('forge') && random.chance(1, 2)) forge(state);
  if (deeds.has('replay') && random.chance(1, 2)) replay(state);
}

function actInOtherRounds(state: State): void {
  const { random } = state.world.schedule;
  const status = state.node.consensus?.status();
  if (status === undefined) return;
  const { round } = status;
  const rounds = [0, round + 1, round + 1, round + 2, round + 60, round + 65, 1_000_000, MAX_ROUND];
  const heights = [0, 0, 0, 0, -1, 1, 1, 2, 1000];
  const height = Math.max(1, status.height + random.pick(heights));
  const type = random.pick(['prevote', 'precommit'] as const);
  tellSome(state, signVote(state, { type, height, round: random.pick(rounds), blockHash: drawValue(state) }));
  const ahead = round + random.below(random.pick([6, 60]));
  if (proposerOf(state, ahead) !== state.node.validator) return;
  const again = state.deeds.has('false-reproposals') ? repropose(state, ahead) : undefined;
  tellSome(state, again ?? propose(state, ahead, random.chance(1, 3) ? ahead - 1 : -1));
}

/** What carries somebody else's name, or was somebody else's. */
function forge(state: State): void {
  const { world, memory } = state;
  const { random } = world.schedule;
  const heard = memory.length === 0 ? undefined : random.pick(memory.slice(-24)).message;
  const attempt = random.below(1 << 30);
  if (heard === undefined || random.chance(1, 6)) {
    const bytes = Uint8Array.from({ length: 1 + random.below(100) }, () => random.below(256));
    for (const to of others(state)) send(world, state.node, to, packetOf(world, bytes), false);
    return;
  }
  const signature = new Uint8Array(96).fill(random.below(256));
  tellSome(state, { ...heard, attempt, signature });
  if (heard.kind === 'proposal') {
    tellSome(state, { ...heard, attempt, parentCommit: signature });
    tellSome(state, { ...heard, attempt, section: signature });
    return;
  }
  const validator = (heard.validator + 1 + random.below(world.set.length)) % (world.set.length + 1);
  tellSome(state, { ...heard, validator, attempt });
  tellSome(state, { ...heard, round: heard.round + 1, attempt });
}

function replay(state: State): void {
  const { world, memory, node } = state;
  const { random } = world.schedule;
  for (let i = 0; i < 3 && memory.length > 0; i++) {
    const packet = random.pick(memory);
    const again = random.chance(1, 2) || packet.message === undefined;
    for (const to of others(state)) {
      if (again) send(world, node, to, packet, true);
      else tell(state, to, { ...packet.message!, attempt: random.below(1 << 30) });
    }
  }
}
