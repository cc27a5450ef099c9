/**
 * A hostile peer in a process of its own: `node attacker.ts MODE ADDRESS CHAIN_ID`. Attacks until its connection is taken
 * away and refused, then prints `cut off` and ends.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { multiaddr } from '@multiformats/multiaddr';
import {
  BLOCK_PROTOCOL,
  BLOCKS_PROTOCOL,
  consensusTopic,
  SIGNED_PROTOCOL,
  STATUS_PROTOCOL,
  TXS_PROTOCOL,
  txTopic,
} from '../../chain/network/topics.ts';
import { silentLog, sleep } from '../../core/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';

const [mode, address, chainId] = process.argv.slice(2) as [string, string, string];
const target = address.replace(/^.*\/p2p\//, '');
const PROTOCOLS = [BLOCK_PROTOCOL, BLOCKS_PROTOCOL, STATUS_PROTOCOL, TXS_PROTOCOL, SIGNED_PROTOCOL];
const noise = (bytes: number): Uint8Array => randomBytes(bytes);
/** An attack that one process runs must leave the machine to the test. */
const breathe = () => sleep(2);

/** To the victim: others may have been found through it. */
const connectionTo = (peer: Peer) =>
  peer.libp2p.getConnections().find(({ remotePeer }) => remotePeer.toString() === target);

/** One wave of each attack; what fails is the point. */
const WAVES: Record<string, (peer: Peer) => Promise<unknown>> = {
  async junk(peer) {
    for (const topic of [consensusTopic(BigInt(chainId)), txTopic(BigInt(chainId))])
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

async function attack(wave: (peer: Peer) => Promise<unknown>): Promise<void> {
  const peer = await createPeer({
    dataDir: mkdtempSync(join(tmpdir(), 'fedai-attacker-')),
    peerPrivateKey: noise(32),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    log: silentLog,
  });
  for (const topic of [consensusTopic(BigInt(chainId)), txTopic(BigInt(chainId))])
    peer.gossip.subscribe(topic, async () => ({ verdict: 'ignore', reason: 'hostile' }));
  // The others knock at the same door from the same address.
  while (connectionTo(peer) === undefined) {
    await peer.libp2p.dial(multiaddr(address)).catch(() => {});
    await sleep(200);
  }
  while (peer.gossip.listeners(consensusTopic(BigInt(chainId))).length === 0) await sleep(50);
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
