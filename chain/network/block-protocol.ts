/** `/fedai/block/1`: a block by its hash, checked to be whole before anyone sees it. Validity is the application's. */
import type { Common } from '@ethereumjs/common';
import { equalBytes, FedaiError, type Log } from '../../core/index.ts';
import { commitHash, EMPTY_HASH, sectionHash } from '../../light/index.ts';
import { PENALTY } from '../../net/index.ts';
import type { Peer } from '../../storage/index.ts';
import { decodeBlock, MAX_BLOCK_BYTES } from '../block.ts';
import { listRoot } from '../execution/index.ts';
import type { Block } from '../types.ts';
import { BLOCK_PROTOCOL } from './topics.ts';

/** A refusal takes milliseconds; a peer that is slower than this is passed over for the next. */
const ASK_TIMEOUT_MS = 3_000;
/** Peers asked for one block before the caller has to try again. */
const MAX_ASKED = 8;

/** Serves what `encodedBlock` finds: a proposal of the height under vote, or a final block. */
export async function serveBlock(
  peer: Pick<Peer, 'requests'>,
  encodedBlock: (hash: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  await peer.requests.handle(
    BLOCK_PROTOCOL,
    async (request) => {
      const found = request.length === 32 ? encodedBlock(request) : undefined;
      if (found === undefined) throw new FedaiError('NO_SUCH_BLOCK', 'not here');
      return found;
    },
    // A validator needs a block or two a height; a burst is what comes together after a stall.
    { maxRequestBytes: 32, perPeerPerSecond: 10, perPeerBurst: 60, concurrentPerPeer: 4, timeoutMs: 30_000 },
  );
}

/** Asks `first`, then others, until one has it. Throws `BLOCK_NOT_FOUND` (transient). */
export async function fetchBlock(
  peer: Pick<Peer, 'requests' | 'scores'>,
  hash: Uint8Array,
  first: string | undefined,
  { common, log, chainPeers }: { common: Common; log: Log; chainPeers: () => string[] },
): Promise<Block> {
  const others = chainPeers().filter((id) => id !== first);
  const asked = (first === undefined ? others : [first, ...others]).slice(0, MAX_ASKED);
  for (const id of asked) {
    try {
      const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_BLOCK_BYTES };
      return readWhole(await peer.requests.request(id, BLOCK_PROTOCOL, hash, limits), hash, common);
    } catch (error) {
      if (isLie(error)) peer.scores.penalise(id, PENALTY.malformed, 'sent another block than asked for');
      log.debug('block not from this peer', { peer: id, error });
    }
  }
  throw new FedaiError(
    'BLOCK_NOT_FOUND',
    'no peer has the block',
    { peers: asked.length },
    { transient: true },
  );
}

const isLie = (error: unknown): boolean =>
  error instanceof FedaiError && (error.code === 'BAD_RLP' || error.code === 'WRONG_BLOCK');

/** Throws `BAD_RLP` or `WRONG_BLOCK` unless the bytes are the block of this hash with all that its header commits to. */
export function readWhole(bytes: Uint8Array, hash: Uint8Array, common: Common): Block {
  const block = decodeBlock(bytes, common);
  const { header, section, parentCommit, transactions } = block;
  const parts: [string, Uint8Array, Uint8Array][] = [
    ['header', header.hash(), hash],
    ['section', sectionHash(section), header.extraData],
    [
      'parent commit',
      parentCommit === null ? EMPTY_HASH : commitHash(parentCommit),
      section.parentCommitHash,
    ],
    ['transactions', listRoot(transactions), header.transactionsTrie],
  ];
  for (const [part, got, expected] of parts) {
    if (!equalBytes(got, expected))
      throw new FedaiError('WRONG_BLOCK', `${part} is not the block's`, { part });
  }
  return block;
}
