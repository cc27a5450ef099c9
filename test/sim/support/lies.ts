/** What a Byzantine node answers to those that ask it for blocks: forged, cut, garbage, of another height, or nothing. */

import {
  answerSignBytes,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
} from '../../../chain/consensus/answers.ts';
import type { SignedVote } from '../../../chain/consensus/index.ts';
import {
  BLOCK_PROTOCOL,
  BLOCKS_PROTOCOL,
  SIGNED_PROTOCOL,
  STATUS_PROTOCOL,
} from '../../../chain/network/topics.ts';
import {
  decodeFinalBlock,
  decodeRange,
  decodeStatus,
  encodeFinalBlock,
  encodeStatus,
  type FinalBlock,
} from '../../../chain/sync/messages.ts';
import type { BlockCommit } from '../../../light/index.ts';
import { craftBlock, craftInvalid, forgeCommit } from './craft.ts';
import type { Deed } from './deeds.ts';
import { common, encodedOf, genesisHash } from './ledger.ts';
import { CHAIN_ID, type Node, secretOf, type World } from './node.ts';
import type { Answer } from './peer.ts';

const GARBAGE = Uint8Array.from([0xc3, 1, 2, 3]);
const NEVER: Answer = { frames: [], end: 'never' };

interface Asked {
  protocol: string;
  request: Uint8Array;
  honest: Answer;
  /** Votes of others, to be put into forged commits. */
  votes: readonly SignedVote[];
}

/** Answers `honest` as it is, or a lie instead. */
export function lie(world: World, node: Node, deeds: ReadonlySet<Deed>, asked: Asked): Answer {
  const { random } = world.schedule;
  const { protocol, honest } = asked;
  if (protocol === BLOCK_PROTOCOL) {
    if (!deeds.has('withhold-bodies') || random.chance(1, 3)) return honest;
    return random.pick<Answer>([
      NEVER,
      { frames: [], end: 'cut' },
      { frames: [GARBAGE], end: 'whole' },
      { frames: [encodedOf(craftInvalid(world, node, 0))], end: 'whole' },
    ]);
  }
  if (!deeds.has('lie-to-sync') || random.chance(1, 4)) return honest;
  if (protocol === STATUS_PROTOCOL) return statusLie(world, honest);
  if (protocol === SIGNED_PROTOCOL) return answerLie(world, node, asked);
  return protocol === BLOCKS_PROTOCOL ? rangeLie(world, node, asked) : honest;
}

function statusLie({ schedule: { random } }: World, honest: Answer): Answer {
  const frame = honest.frames[0];
  if (frame === undefined || random.chance(1, 10)) return NEVER;
  if (random.chance(1, 10)) return { frames: [GARBAGE], end: 'whole' };
  const status = decodeStatus(frame);
  const height = random.pick([0, status.height + 1, status.height + 3, status.height + 1000]);
  return { frames: [encodeStatus({ ...status, genesisHash, height })], end: 'whole' };
}

/** To a validator that starts: silence, garbage, a head without proof, an old one, messages left out or invented. */
function answerLie(world: World, node: Node, { request, honest, votes }: Asked): Answer {
  const { random } = world.schedule;
  const frame = honest.frames[0];
  if (frame === undefined || random.chance(1, 6)) return NEVER;
  if (random.chance(1, 6)) return { frames: [GARBAGE], end: 'whole' };
  const { nonce } = decodeQuestion(request);
  const { answer } = decodeAnswer(frame);
  const { height, commit, messages } = answer;
  const foreign = votes.slice(-4);
  const invented = foreign.map((vote) => ({ ...vote, height: height + 1, blockHash: null }));
  const told = random.pick([
    { ...answer, height: height + random.pick([1, 1000]) },
    { ...answer, commit: commit && { ...commit, round: commit.round + 1 } },
    { ...answer, height: 0, commit: null },
    { ...answer, messages: [] },
    { ...answer, messages: [...messages, ...foreign] },
    { ...answer, messages: [...messages, ...invented] },
    { ...answer, validator: random.below(world.set.length) },
  ]);
  const sign = (body: Uint8Array) =>
    world.scheme.sign(answerSignBytes(CHAIN_ID, nonce, body), secretOf(node.validator));
  return { frames: [encodeAnswer(told, sign)], end: 'whole' };
}

function rangeLie(world: World, node: Node, { request, honest, votes }: Asked): Answer {
  const { random } = world.schedule;
  const { frames } = honest;
  const kept = random.below(frames.length + 1);
  const forged = (): Uint8Array[] => {
    const kept = random.below(Math.max(1, frames.length));
    const frame = frames[kept];
    const victim = frame === undefined ? undefined : decodeFinalBlock(frame, common);
    const next = forgeFinal(world, node, victim, votes);
    return [...frames.slice(0, kept), encodeFinalBlock(encodedOf(next.block), next.commit)];
  };
  if (frames.length > 0 && random.chance(1, 2)) return { frames: forged(), end: 'whole' };
  return random.pick<() => Answer>([
    () => NEVER,
    () => ({ frames: frames.slice(0, kept), end: 'cut' }),
    () => ({ frames: frames.slice(0, kept), end: 'whole' }),
    () => ({ frames: frames.slice(kept), end: 'whole' }),
    () => ({ frames: [...frames.slice(0, kept), GARBAGE], end: 'whole' }),
    () => ({ frames: [...frames, ...frames], end: 'whole' }),
    () => ({ frames: Array.from({ length: 40 }, () => frames[0] ?? GARBAGE), end: 'whole' }),
    () => ({ frames: forged(), end: 'whole' }),
    () => ({ frames: forged(), end: 'whole' }),
    () => ({ frames: forged(), end: decodeRange(request).from % 2 === 0 ? 'whole' : 'cut' }),
  ])();
}

/** `victim`: the true block at this place, if there is one; else a block that does not exist yet. */
function forgeFinal(
  world: World,
  node: Node,
  victim: FinalBlock | undefined,
  votes: readonly SignedVote[],
): FinalBlock {
  const { random } = world.schedule;
  if (victim === undefined) {
    const block = random.chance(1, 2) ? craftBlock(world, node, 0, 1) : craftInvalid(world, node, 0);
    return { block, commit: forgeCommit(world, node, block, drawForgery(world, [], 0)) };
  }
  const { block, commit } = victim;
  const other = node.ledger.blocks[random.below(Math.max(1, node.ledger.blocks.length))];
  const alone = world.scheme.sign(commit.blockHash, secretOf(node.validator));
  return random.pick<() => FinalBlock>([
    () => ({ block, commit: forgeCommit(world, node, block, drawForgery(world, votes, commit.round)) }),
    () => ({ block, commit: forgeCommit(world, node, block, drawForgery(world, votes, commit.round)) }),
    () => ({ block, commit: { ...commit, round: commit.round + 1 } }),
    () => ({ block, commit: { ...commit, height: commit.height + 1 } }),
    () => ({ block, commit: { ...commit, bitmap: bitmapLie(world, commit) } }),
    () => ({ block, commit: { ...commit, signature: alone } }),
    () => ({ block, commit: other?.commit ?? commit }),
    () => ({ block: other?.block ?? block, commit }),
    () => {
      const invented = craftBlock(world, node, 0, 2);
      return { block: invented, commit: { ...commit, blockHash: invented.header.hash() } };
    },
    () => ({ block: { ...block, parentCommit: null }, commit }),
  ])();
}

/** At most one honest precommit is used: with the forger's own that is no quorum. */
const drawForgery = ({ schedule: { random } }: World, votes: readonly SignedVote[], round: number) => ({
  round,
  votes: random.chance(3, 4) ? votes : [],
  claimAll: random.chance(1, 3),
});

/** One signer dropped or added, a spare bit set, a byte too many. */
function bitmapLie({ schedule: { random } }: World, { bitmap }: BlockCommit): Uint8Array {
  if (random.chance(1, 4)) return Uint8Array.from([...bitmap, 0]);
  const out = Uint8Array.from(bitmap);
  out[0] = out[0]! ^ (1 << random.below(8));
  return out;
}
