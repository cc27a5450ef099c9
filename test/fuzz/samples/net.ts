/** Samples of what hosts read from each other: frames on streams, lists of peers, addresses. */
import type { Stream } from '@libp2p/interface';
import { canonicalJson, concatBytes, uintBytes, utf8 } from '../../../core/index.ts';
import { isMultiaddr, isPeerId, peerIdIn } from '../../../net/addresses.ts';
import { askPeers } from '../../../net/exchange.ts';
import { createFrameReader } from '../../../net/frames.ts';
import type { Requests } from '../../../net/requests.ts';
import type { Table } from '../subject.ts';

const ID = '12D3KooWGRUJYRvLiDN5NSzQwGqQxJEQyXVQBMPG5Jd5mXsgx6ED';
const frame = (bytes: Uint8Array) => concatBytes(uintBytes(bytes.length, 4), bytes);
const frames = [new Uint8Array(300).fill(1), new Uint8Array(1), new Uint8Array(0), utf8('end')].map(frame);
const never = new AbortController().signal;

/** The bytes as a stream hands them out: in pieces of odd sizes. */
function streamOf(bytes: Uint8Array): Stream {
  async function* pieces() {
    for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 61)
      yield bytes.subarray(at, at + size);
  }
  return pieces() as unknown as Stream;
}

async function readFrames(bytes: Uint8Array): Promise<Uint8Array[]> {
  const reader = createFrameReader(streamOf(bytes), 1_000);
  const read: Uint8Array[] = [];
  // The last frame of an answer is empty; here the stream ends with the third one after it.
  while (read.length < 4) read.push(await reader.frame());
  await reader.release();
  return read;
}

export const net: Table = {
  frames: {
    covers: [],
    format: 'bytes',
    samples: [concatBytes(...frames), concatBytes(...frames.toReversed())],
    decode: readFrames,
    share: 0.5,
  },
  askPeers: {
    covers: [],
    format: 'json',
    samples: [
      canonicalJson([
        { id: ID, addresses: ['/ip4/127.0.0.1/tcp/4001', '/dns4/example.org/tcp/443/wss'] },
        { id: ID, addresses: [] },
      ]),
    ],
    decode: (bytes) => askPeers({ request: async () => bytes } as unknown as Requests, ID, never),
    share: 0.5,
  },
  addresses: {
    covers: [],
    format: 'bytes',
    samples: [
      `/ip4/127.0.0.1/tcp/4001/p2p/${ID}`,
      '/ip6/::1/udp/4001/quic-v1',
      '/dns4/example.org/tcp/443/tls/ws',
      '/unix/tmp/x.sock',
    ].map(utf8),
    decode(bytes) {
      const text = new TextDecoder().decode(bytes);
      return isMultiaddr(text) ? (peerIdIn(text) ?? '') : isPeerId(text);
    },
    neverThrows: true,
    share: 0.5,
  },
  peerId: {
    covers: [],
    format: 'bytes',
    samples: [utf8(ID), utf8('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')],
    decode: (bytes) => isPeerId(new TextDecoder().decode(bytes)),
    neverThrows: true,
    share: 0.3,
  },
};
