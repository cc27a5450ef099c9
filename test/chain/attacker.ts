/**
 * A hostile peer in a process of its own: `node attacker.ts MODE ADDRESS CHAIN_ID [SOURCE]`. Attacks until its connection
 * is taken away and refused, then prints `cut off` and ends. From SOURCE, another address, it has what is true, to damage it.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import { encodeQuestion } from '../../chain/consensus/answers.ts';
import {
  BLOCK_PROTOCOL,
  BLOCKS_PROTOCOL,
  consensusTopic,
  SIGNED_PROTOCOL,
  STATUS_PROTOCOL,
  TXS_PROTOCOL,
  txTopic,
} from '../../chain/network/topics.ts';
import { encodeRange } from '../../chain/sync/messages.ts';
import { concatBytes, silentLog, sleep, utf8 } from '../../core/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { damage, random } from '../fuzz/mutate.ts';

const [mode, address, chainId, source] = process.argv.slice(2) as [string, string, string, string?];
const target = address.replace(/^.*\/p2p\//, '');
const PROTOCOLS = [BLOCK_PROTOCOL, BLOCKS_PROTOCOL, STATUS_PROTOCOL, TXS_PROTOCOL, SIGNED_PROTOCOL];
const noise = (bytes: number): Uint8Array => randomBytes(bytes);
const next = random(Number(process.env.FUZZ_SEED ?? 1));
const TOPICS = [consensusTopic(BigInt(chainId)), txTopic(BigInt(chainId))] as const;
const LIMITS = { timeoutMs: 5_000, maxBytes: 1 << 24 };
/** Valid bytes to damage: what came by gossip, newest last, and a request of each protocol. */
const heard: Uint8Array[] = [];
const REQUESTS: readonly [string, Uint8Array][] = [
  [BLOCK_PROTOCOL, noise(32)],
  [BLOCKS_PROTOCOL, encodeRange({ from: 1, count: 32 })],
  [STATUS_PROTOCOL, utf8('')],
  [TXS_PROTOCOL, noise(64)],
  [SIGNED_PROTOCOL, encodeQuestion({ nonce: noise(32), publicKey: noise(48) })],
];
/** An attack that one process runs must leave the machine to the test. */
const breathe = () => sleep(2);

/** To the victim: others may have been found through it. */
const connectionTo = (peer: Peer) =>
  peer.libp2p.getConnections().find(({ remotePeer }) => remotePeer.toString() === target);

/** One wave of each attack; what fails is the point. */
const WAVES: Record<string, (peer: Peer) => Promise<unknown>> = {
  async junk(peer) {
    for (const topic of TOPICS)
      for (let i = 0; i < 20; i++)
        await peer.libp2p.services.gossip.publish(topic, noise(200)).catch(() => {});
  },
  async large(peer) {
    await peer.libp2p.services.gossip
      .publish(consensusTopic(BigInt(chainId)), noise(200_000))
      .catch(() => {});
  },
  async requests(peer) {
    const asking = PROTOCOLS.flatMap((protocol) =>
      Array.from({ length: 10 }, () =>
        peer.requests.request(target, protocol, noise(32), { timeoutMs: 5_000, maxBytes: 1 << 20 }),
      ),
    );
    await Promise.allSettled(asking);
  },
  async oversized(peer) {
    const options = { timeoutMs: 5_000, maxBytes: 1 << 20 };
    await peer.requests.request(target, STATUS_PROTOCOL, noise(60_000), options).catch(() => {});
  },
  /** Damaged requests of every protocol, as fast as they may come, then damaged votes and proposals on both topics. */
  async mutants(peer) {
    for (const [protocol, request] of REQUESTS)
      for (let i = 0; i < 4; i++)
        await peer.requests.request(target, protocol, damage(request, next), LIMITS).catch(() => {});
    while (heard.length === 0) await breathe();
    for (const topic of [TOPICS[1], TOPICS[0]])
      for (let i = 0; i < 8; i++)
        await peer.libp2p.services.gossip
          .publish(topic, damage(heard.at(-1 - (i % heard.length))!, next))
          .catch(() => {});
  },
  /** Only answers: what the source says, damaged; noise when it says nothing. */
  async liar() {
    await sleep(50);
  },
  /** A length, then a byte now and then. */
  async drip(peer) {
    const id = connectionTo(peer)?.remotePeer;
    if (id === undefined) return;
    const drip = async () => {
      const stream = await peer.libp2p.dialProtocol(id, STATUS_PROTOCOL);
      stream.send(Uint8Array.of(0, 0, 0));
      while (stream.status === 'open') await sleep(500);
    };
    await Promise.allSettled(Array.from({ length: 8 }, drip));
  },
};

/** Serves each protocol with damaged copies of what the source answers. */
async function lie(peer: Peer): Promise<void> {
  for (const [protocol] of REQUESTS) {
    await peer.requests.handle(protocol, async function* (request) {
      try {
        const frames: Uint8Array[] = [];
        for await (const frame of peer.requests.requestFrames(source!, protocol, request, LIMITS))
          frames.push(frame);
        for (const frame of frames) yield concatBytes(damage(frame, next), noise(1));
      } catch {
        yield noise(100);
      }
    });
  }
}

async function attack(wave: (peer: Peer) => Promise<unknown>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'fedai-attacker-'));
  // Whether it ends by itself or is ended by the test.
  process.on('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  process.once('SIGTERM', () => process.exit(0));
  const peer = await createPeer({
    dataDir,
    peerPrivateKey: noise(32),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    log: silentLog,
  });
  for (const topic of TOPICS) {
    peer.gossip.subscribe(topic, async (message) => {
      if (heard.push(message) > 50) heard.shift();
      return { verdict: 'ignore', reason: 'hostile' };
    });
  }
  if (mode === 'liar') await lie(peer);
  // The others knock at the same door from the same address.
  while (connectionTo(peer) === undefined) {
    await peer.libp2p.dial(multiaddr(address)).catch(() => {});
    await sleep(200);
  }
  while (peer.gossip.listeners(TOPICS[0]).length === 0) await sleep(50);
  process.stdout.write('attacking\n');
  for (;;) {
    await wave(peer);
    await breathe();
    if (connectionTo(peer) !== undefined) continue;
    // Thrown out once may be an accident; to be refused at the door is a ban.
    const back = await peer.libp2p
      .dial(multiaddr(address), { signal: AbortSignal.timeout(5_000) })
      .catch(() => null);
    await sleep(300);
    if (back === null || back.status !== 'open') break;
  }
}

/** Hundreds of connections that never say a word. */
async function halfOpen(): Promise<void> {
  const [, port] = /\/tcp\/(\d+)/.exec(address)!;
  process.stdout.write('attacking\n');
  const closed = Array.from(
    { length: 300 },
    () =>
      new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1');
        socket.on('error', () => {});
        socket.on('data', () => {});
        socket.once('close', () => resolve());
      }),
  );
  await Promise.all(closed);
}

await (mode === 'halfOpen' ? halfOpen() : attack(WAVES[mode]!));
process.stdout.write('cut off\n');
process.exit(0);
