/** Asks peers how far their chain is. Only a head that is proven final counts; who claims another is blamed. */
import { equalBytes, FedaiError } from '../../core/index.ts';
import { PENALTY } from '../../net/index.ts';
import { STATUS_PROTOCOL } from '../network/index.ts';
import { type ChainStatus, decodeStatus, MAX_STATUS_BYTES } from './messages.ts';
import type { PeerHeights } from './peer-heights.ts';
import { sample } from './sample.ts';
import type { SyncInput } from './sync.ts';

/** Of one poll: an answer from one honest peer is enough. */
const POLLED_PEERS = 4;
/** While blocks come, whoever is asked hardly knows more. */
const POLLED_WHEN_GROWING = 1;
const ASK_TIMEOUT_MS = 5_000;

interface Ledger {
  heights: PeerHeights;
  /** Hears of a head that is proven final. */
  prove: (id: string, height: number) => void;
}

/** `isGrowing`: the chain here has grown since the poll before. */
export async function pollPeers(
  input: SyncInput,
  ledger: Ledger,
  isGrowing: boolean,
  signal: AbortSignal,
): Promise<void> {
  const peers = input.chainPeers();
  ledger.heights.keep(peers);
  const count = isGrowing ? POLLED_WHEN_GROWING : POLLED_PEERS;
  await Promise.all(sample(peers, count, input.random).map((id) => pollPeer(input, ledger, id, signal)));
}

async function pollPeer(
  input: SyncInput,
  { heights, prove }: Ledger,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { requests, scores } = input.peer;
  const limits = { timeoutMs: ASK_TIMEOUT_MS, maxBytes: MAX_STATUS_BYTES, signal };
  try {
    const status = decodeStatus(await requests.request(id, STATUS_PROTOCOL, new Uint8Array(0), limits));
    if (!equalBytes(status.genesisHash, input.genesisHash)) heights.forget(id);
    else if (status.height <= input.store.height) return;
    else if (await isProven(input, status)) prove(id, status.height);
    else {
      heights.forget(id);
      scores.penalise(id, PENALTY.forged, 'claims a head that is not final');
      input.log.warn('peer claims a head that is not final', { peer: id, height: status.height });
    }
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_RLP')
      scores.penalise(id, PENALTY.malformed, 'malformed status');
    input.log.debug('no chain status', { peer: id, error });
  }
}

const isProven = async ({ consensus }: SyncInput, { height, headHash, commit }: ChainStatus) =>
  commit !== null && (await consensus.provesHead(height, headHash, commit));
