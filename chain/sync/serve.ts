/** The serving side of catch-up. */
import type { Peer } from '../../storage/index.ts';
import { BLOCKS_PROTOCOL, STATUS_PROTOCOL } from '../network/index.ts';
import type { ChainStore } from '../store/index.ts';
import {
  type ChainStatus,
  decodeRange,
  encodeFinalBlock,
  encodeStatus,
  MAX_RANGE_ANSWER_BYTES,
  MAX_RANGE_BYTES,
} from './messages.ts';

/** What is served comes from here. */
type Store = Pick<ChainStore, 'height' | 'encodedBlock' | 'commit'>;

export async function serveSync(
  peer: Pick<Peer, 'requests'>,
  store: Store,
  status: () => ChainStatus,
): Promise<void> {
  await peer.requests.handle(STATUS_PROTOCOL, async () => encodeStatus(status()), {
    maxRequestBytes: 0,
    timeoutMs: 5_000,
    perPeerPerSecond: 5,
    perPeerBurst: 20,
  });
  await peer.requests.handle(BLOCKS_PROTOCOL, (request) => range(store, request), {
    maxRequestBytes: MAX_RANGE_BYTES,
    perPeerPerSecond: 20,
    perPeerBurst: 40,
    concurrentPerPeer: 2,
    concurrentTotal: 8,
  });
}

async function* range(store: Store, request: Uint8Array): AsyncGenerator<Uint8Array> {
  const { from, count } = decodeRange(request);
  let sent = 0;
  for (let height = Math.max(1, from); height < from + count && height <= store.height; height++) {
    const block = store.encodedBlock(height);
    const commit = store.commit(height);
    if (block === undefined || commit === undefined) return;
    const frame = encodeFinalBlock(block, commit);
    sent += frame.length;
    if (sent > MAX_RANGE_ANSWER_BYTES) return;
    yield frame;
  }
}
