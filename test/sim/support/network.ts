/** Simulated gossip: each packet reaches each node at most once in a life, and what a node accepts it passes on. */
import {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
} from '../../../chain/consensus/index.ts';
import type { Verdict } from '../../../core/index.ts';
import { fate, inStorm, type Node, type Packet, type World } from './node.ts';

export function packetOf(world: World, bytes: Uint8Array): Packet {
  const key = Buffer.from(bytes).toString('latin1');
  const known = world.packets.get(key);
  if (known !== undefined) return known;
  let message: ConsensusMessage | undefined;
  try {
    message = decodeConsensusMessage(bytes);
  } catch {
    message = undefined;
  }
  const packet = { bytes, message, heldBack: new Map<string, boolean>() };
  world.packets.set(key, packet);
  return packet;
}

/** To all others, now and then twice. */
export function publish(world: World, from: Node, message: ConsensusMessage): void {
  const { random, duplicatePercent } = world.schedule;
  const packet = packetOf(world, encodeConsensusMessage(message));
  from.seen.add(packet);
  for (const to of world.nodes) {
    if (to === from) continue;
    send(world, from, to, packet, false);
    if (duplicatePercent > 0 && random.chance(duplicatePercent, 100)) send(world, from, to, packet, true);
  }
}

/** `again`: the receiver takes it although it has seen it, as after its memory of seen messages ran out. */
export function send(world: World, from: Node, to: Node, packet: Packet, again: boolean): void {
  const delayMs = fate(world, from, to);
  if (delayMs === undefined || isHeldBack(world, to, packet)) return;
  if (!again && to.seen.has(packet)) return;
  world.clock.setTimer(delayMs, () => arrive(world, from, to, packet, again));
}

function arrive(world: World, from: Node, to: Node, packet: Packet, again: boolean): void {
  const { life } = to;
  if (!life?.alive || to.handler === undefined || (to.seen.has(packet) && !again)) return;
  to.seen.add(packet);
  const { message } = packet;
  if (message === undefined) {
    world.judge.answered(from, to, packet, { verdict: 'reject', reason: 'not a consensus message' });
    return;
  }
  to.byzantine?.heard(packet);
  void to.handler(message, from.name).then((answer) => {
    if (!life.alive) return;
    world.trace.add(`${world.clock.now()} ${from.name} ${to.name} ${labelOf(message)} ${answer.verdict}`);
    world.judge.answered(from, to, packet, answer);
    passOn(world, from, to, packet, answer);
  });
}

function passOn(world: World, from: Node, through: Node, packet: Packet, answer: Verdict): void {
  if (answer.verdict !== 'accept' || (inStorm(world) && !world.schedule.relayInStorm)) return;
  for (const to of world.nodes)
    if (to !== from && to !== through && !to.seen.has(packet)) send(world, through, to, packet, false);
}

function labelOf(message: ConsensusMessage): string {
  const { height, round, attempt, signature } = message;
  const what = message.kind === 'vote' ? `${message.type} ${message.validator}` : 'proposal';
  return `${height}/${round} ${what} ${signature[0]} ${signature[1]} ${signature[2]} ${attempt}`;
}

/** Messages that the schedule loses on purpose. */
function isHeldBack(world: World, to: Node, packet: Packet): boolean {
  if (!inStorm(world)) return false;
  const known = packet.heldBack.get(to.name);
  if (known !== undefined) return known;
  const answer = drawHeldBack(world, to, packet.message);
  packet.heldBack.set(to.name, answer);
  return answer;
}

function drawHeldBack(world: World, to: Node, message: ConsensusMessage | undefined): boolean {
  const { random, precommitDropPercent, prevoteDropPercent, trap } = world.schedule;
  if (message === undefined) return false;
  if (trap !== null && message.round === 0) {
    if (message.kind === 'proposal') return to.validator === trap.blind;
    if (message.validator !== trap.lucky) return false;
    return message.type === 'precommit' || to.validator === trap.blind;
  }
  if (message.kind !== 'vote') return false;
  const percent = message.type === 'precommit' ? precommitDropPercent : prevoteDropPercent;
  return percent > 0 && random.chance(percent, 100);
}
