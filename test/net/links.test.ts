import { createServer } from 'node:net';
import type { Libp2p, MultiaddrConnection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../core/index.ts';
import { createDialler } from '../../net/dialler.ts';
import { createLinks } from '../../net/links.ts';
import { type Endpoint, endpointOf, probeTcp } from '../../net/probe.ts';
import { createPeerScores } from '../../net/scores.ts';

const ADDRESS = '/ip4/10.0.0.7/tcp/4001';
const PEER = '12D3KooWRndVhVZPCiQwHBBBdg769GyrPUW13zxwqQyf9r3ANaba';
const settled = () => new Promise<void>((done) => setImmediate(done));

class Wire extends EventTarget {
  readonly remoteAddr = multiaddr(ADDRESS);
  readonly direction: 'inbound' | 'outbound';
  aborted = false;
  constructor(direction: 'inbound' | 'outbound') {
    super();
    this.direction = direction;
  }
  abort(): void {
    this.aborted = true;
  }
  hear(): void {
    this.dispatchEvent(new Event('message'));
  }
}

function watch(answers: boolean, direction: 'inbound' | 'outbound' = 'outbound') {
  const asked: Endpoint[] = [];
  const links = createLinks(async (endpoint) => {
    asked.push(endpoint);
    return answers;
  });
  const open = (from = direction) => {
    const wire = new Wire(from);
    const replaced = links.opened(PEER, wire as unknown as MultiaddrConnection);
    return { wire, replaced };
  };
  const pass = async (turns: number) => {
    for (let i = 0; i < turns; i++) links.tick();
    await settled();
  };
  return { asked, open, pass };
}

describe('a quiet connection', () => {
  test('is dropped when nothing answers at its address any more', async () => {
    const { asked, open, pass } = watch(false);
    const { wire } = open();
    await pass(4);
    wire.hear();
    await pass(4);
    expect([asked, wire.aborted]).toEqual([[], false]);
    await pass(1);
    expect([asked, wire.aborted]).toEqual([[{ host: '10.0.0.7', port: 4001 }], true]);
  });

  test('stays while the other machine answers, however long its process is busy', async () => {
    const { asked, open, pass } = watch(true);
    const { wire } = open();
    for (let i = 0; i < 60; i++) await pass(1);
    expect([asked.length > 10, wire.aborted]).toEqual([true, false]);
  });

  test('stays when it speaks while it is looked at', async () => {
    const wire = new Wire('outbound');
    const links = createLinks(async () => {
      wire.hear();
      return false;
    });
    links.opened(PEER, wire as unknown as MultiaddrConnection);
    for (let i = 0; i < 9; i++) links.tick();
    await settled();
    expect(wire.aborted).toBe(false);
  });

  test('that the peer made is left to the peer, and given up for its next one', async () => {
    const { asked, open, pass } = watch(false, 'inbound');
    const { wire } = open();
    await pass(9);
    expect([asked, wire.aborted]).toEqual([[], false]);
    expect([open().replaced, wire.aborted]).toEqual([true, true]);
  });

  test('only: one that speaks stays beside the next', () => {
    const { open } = watch(false);
    const { wire } = open('inbound');
    expect([open().replaced, wire.aborted]).toEqual([false, false]);
  });
});

test('only plain TCP addresses can be looked at', () => {
  expect(endpointOf(`${ADDRESS}/p2p/${PEER}`)).toEqual({ host: '10.0.0.7', port: 4001 });
  expect(endpointOf('/ip6/::1/tcp/9')).toEqual({ host: '::1', port: 9 });
  for (const other of ['/dns4/a.example/tcp/1', '/ip4/10.0.0.7/udp/1/quic-v1', `${ADDRESS}/ws`, 'junk']) {
    expect(endpointOf(other)).toBeUndefined();
  }
});

test('a machine answers whether somebody listens there or not', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  expect(await probeTcp({ host: '127.0.0.1', port })).toBe(true);
  await new Promise((done) => server.close(done));
  expect(await probeTcp({ host: '127.0.0.1', port })).toBe(true);
});

test('who was met is looked for twice a second for ten minutes, then less and less; dialled once it answers', async () => {
  const clock = { nowMs: 0 };
  const asked: number[] = [];
  const dialled: number[] = [];
  let isUp = false;
  const libp2p = {
    peerId: { toString: () => 'self' },
    getConnections: () => [],
    dial: async () => {
      dialled.push(clock.nowMs);
      return { remotePeer: { toString: () => PEER } };
    },
  } as unknown as Libp2p;
  const dialler = createDialler({
    libp2p,
    scores: createPeerScores(),
    targetPeers: 4,
    signal: new AbortController().signal,
    log: silentLog,
    now: () => clock.nowMs,
    probe: async () => {
      asked.push(clock.nowMs);
      return isUp;
    },
  });
  const passTo = async (untilMs: number) => {
    for (; clock.nowMs < untilMs; clock.nowMs += 500) {
      dialler.dialDue();
      await settled();
    }
  };
  const within = (fromMs: number, toMs: number) => asked.filter((at) => at >= fromMs && at < toMs).length;
  dialler.addBootstrap([`${ADDRESS}/p2p/${PEER}`]);
  dialler.lost(PEER);
  await passTo(20 * 60_000);
  expect(within(0, 60_000)).toBe(120);
  expect(within(9 * 60_000, 10 * 60_000)).toBe(120);
  expect(within(15 * 60_000, 20 * 60_000)).toBe(10);
  expect(dialled).toEqual([]);
  isUp = true;
  await passTo(21 * 60_000);
  expect(dialled[0]).toBe(asked.at(-dialled.length));
});
