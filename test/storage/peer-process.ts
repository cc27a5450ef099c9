/** A peer in a process of its own, driven over IPC: what the multi-process tests fork. */
import { createLog } from '../../core/index.ts';
import { createPeer, type Peer, type PeerInput } from '../../storage/index.ts';

interface Command {
  id: number;
  call: string;
  args: unknown[];
}

const warnings: string[] = [];
const received: string[] = [];
const log = createLog((line) => warnings.push(line), 'warn');
let peer: Peer;

/** 64 KiB of a counter pattern, so that a shifted or lost chunk shows. */
function pattern(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) out[i] = (i * 31 + (i >> 8)) & 0xff;
  return out;
}

const calls: Record<string, (...args: never[]) => unknown> = {
  async start(input: Omit<PeerInput, 'log' | 'peerPrivateKey'>, seedByte: number) {
    peer = await createPeer({ ...input, log, peerPrivateKey: new Uint8Array(32).fill(seedByte) });
    await peer.requests.handle('/test/pattern/1', async (request) =>
      pattern(new DataView(request.buffer, request.byteOffset).getUint32(0)),
    );
    peer.gossip.subscribe('/test/topic', async (message) => {
      received.push(new TextDecoder().decode(message));
      return { verdict: 'accept' };
    });
    return { peerId: peer.peerId, addresses: peer.addresses() };
  },
  peers: () => peer.peers(),
  listeners: () => peer.gossip.listeners('/test/topic').length,
  publish: (text: string) => peer.gossip.publish('/test/topic', new TextEncoder().encode(text)),
  received: () => received,
  warnings: () => warnings,
  async stream(target: string, bytes: number) {
    const request = new Uint8Array(4);
    new DataView(request.buffer).setUint32(0, bytes);
    const startedMs = performance.now();
    const answer = await peer.requests.request(target, '/test/pattern/1', request, {
      timeoutMs: 30_000,
      maxBytes: bytes,
    });
    const expected = pattern(bytes);
    const equal = answer.length === bytes && Buffer.compare(answer, expected) === 0;
    return { equal, milliseconds: performance.now() - startedMs };
  },
  put: (bytes: number) => peer.content.putBytes(pattern(bytes)),
  pin: (cid: string) => peer.content.pin(cid),
  async get(cid: string, bytes: number) {
    const got = await peer.content.getBytes(cid, { maxBytes: bytes, timeoutMs: 30_000 });
    return Buffer.compare(got, pattern(bytes)) === 0;
  },
  isPinned: (cid: string) => peer.content.isPinned(cid),
  hasLocal: (cid: string) => peer.content.hasLocal(cid),
  stop: () => peer.stop(),
};

process.on('message', async ({ id, call, args }: Command) => {
  try {
    process.send!({ id, value: await calls[call]!(...(args as never[])) });
  } catch (error) {
    process.send!({ id, error: String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
