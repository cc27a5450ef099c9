/** Requests over the simulated network, for the production code that fetches blocks and catches up. */
import { BLOCK_PROTOCOL } from '../../../chain/network/topics.ts';
import { FedaiError } from '../../../core/index.ts';
import type { Peer } from '../../../storage/index.ts';
import type { Life } from './disk.ts';
import { fate, inStorm, type Node, type RequestHandler, type World } from './node.ts';

/** What came back, and how it ended: whole, cut off, or never. */
export interface Answer {
  frames: Uint8Array[];
  end: 'whole' | 'cut' | 'never';
}

/** A server that never ends would hang the simulator; no protocol of ours sends as many. */
const MAX_FRAMES = 200;

export type SimulatedPeer = Pick<Peer, 'requests' | 'scores'>;

/** The peer of `node` in one life. */
export function createSimulatedPeer(world: World, node: Node, life: Life): SimulatedPeer {
  const ask = (to: string, protocol: string, request: Uint8Array, timeoutMs: number) =>
    exchange(world, { node, life, to, protocol, request, timeoutMs });
  return {
    requests: {
      handle: async (protocol, handler) => void node.handlers.set(protocol, handler),
      unhandle: async (protocol) => void node.handlers.delete(protocol),
      async request(to, protocol, request, { timeoutMs }) {
        const { frames, end } = await ask(to, protocol, request, timeoutMs);
        if (end !== 'whole' || frames[0] === undefined) throw failure(end);
        return frames[0];
      },
      async *requestFrames(to, protocol, request, { timeoutMs }) {
        const { frames, end } = await ask(to, protocol, request, timeoutMs);
        yield* frames;
        if (end !== 'whole') throw failure(end);
      },
    },
    scores: {
      score: () => 0,
      penalise: (peer, points, reason) => world.judge.penalised(node, peer, points, reason),
      isBanned: () => false,
      onBan: () => undefined,
    },
  };
}

const failure = (end: Answer['end']): FedaiError =>
  end === 'never'
    ? new FedaiError('REQUEST_TIMEOUT', 'no answer in time', {}, { transient: true })
    : new FedaiError('PEER_UNREACHABLE', 'refused or cut off', {}, { transient: true });

interface Exchange {
  node: Node;
  life: Life;
  to: string;
  protocol: string;
  request: Uint8Array;
  timeoutMs: number;
}

/** One way there, one way back; a loss on either shows as a time-out. */
function exchange(world: World, { node, life, to, protocol, request, timeoutMs }: Exchange): Promise<Answer> {
  const { clock } = world;
  return new Promise((resolve) => {
    const answer = (delayMs: number, given: Answer) =>
      clock.setTimer(delayMs, () => {
        if (life.alive) resolve(given);
      });
    const lost: Answer = { frames: [], end: 'never' };
    const target = world.nodes.find(({ name }) => name === to);
    const there = target && !isShut(world, protocol) ? fate(world, node, target) : undefined;
    if (target === undefined || there === undefined) {
      answer(timeoutMs, lost);
      return;
    }
    clock.setTimer(there, () => {
      void served(target, { node, protocol, request }).then((given) => {
        const back = fate(world, target, node);
        if (back === undefined || given.end === 'never')
          answer(timeoutMs - there, { ...given, end: 'never' });
        else answer(back, given);
      });
    });
  });
}

/** What `target` answers, in truth or not. */
async function served(
  target: Node,
  { node, protocol, request }: Pick<Exchange, 'node' | 'protocol' | 'request'>,
): Promise<Answer> {
  const handler = target.handlers.get(protocol);
  if (!target.life?.alive || handler === undefined) return { frames: [], end: 'cut' };
  const honest = await serve(handler, request, node.name);
  return target.byzantine?.serve(protocol, request, honest) ?? honest;
}

/** In a trap nobody catches up before the calm. */
const isShut = (world: World, protocol: string): boolean =>
  world.schedule.trap !== null && inStorm(world) && protocol !== BLOCK_PROTOCOL;

async function serve(handler: RequestHandler, request: Uint8Array, from: string): Promise<Answer> {
  const frames: Uint8Array[] = [];
  try {
    const result = handler(request, from, new AbortController().signal);
    if (Symbol.asyncIterator in result) {
      for await (const frame of result) if (frames.push(frame) >= MAX_FRAMES) break;
    } else frames.push(await result);
    return { frames, end: 'whole' };
  } catch {
    return { frames, end: 'cut' };
  }
}
