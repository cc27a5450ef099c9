/** Brings an account's stake and registration to what its daemon needs. Owns no retries beyond those of the market. */
import { canonicalJson, FedaiError, type Hex, type Log, sha256, toHex } from '../core/index.ts';
import type { Market } from './market.ts';
import type { Registration } from './types.ts';

export interface EnrolmentWish {
  /** Role bits to have; others that the account has already are kept. */
  roles: number;
  bands: number;
  readerKey: Uint8Array;
  /** libp2p peer id, binary. */
  peerId: Uint8Array;
  /** Total stake to hold, wei; what is missing is deposited. */
  stake: bigint;
}

/** Deposits, registers or updates as needed; sends nothing when all is as wished. */
export async function enrol(market: Market, wish: EnrolmentWish, log: Log): Promise<void> {
  const account = market.account;
  if (account === undefined) throw new FedaiError('NO_SIGNER', 'enrolment needs a signing key');
  const staked = await market.stakeOf(account);
  if (staked < wish.stake) {
    log.info('depositing stake', { account, amount: wish.stake - staked });
    await market.deposit(wish.stake - staked);
  }
  const current = await market.nodeOf(account);
  const wanted = registrationOf(wish, current.roles | wish.roles);
  if (sameRegistration(current, wanted)) return;
  log.info('registering', { account, roles: wanted.roles });
  if (current.roles === 0) await market.register(wanted);
  else await market.updateRegistration(wanted);
}

function registrationOf(wish: EnrolmentWish, roles: number): Registration {
  const readerKey = toHex(wish.readerKey);
  const peerId = toHex(wish.peerId);
  const { bands } = wish;
  const manifestHash = manifestHashOf({ roles, bands, readerKey, peerId });
  return { roles, bands, readerKey, peerId, manifestHash };
}

/** SHA-256 of the canonical manifest `fedai-node/1`. */
function manifestHashOf(node: { roles: number; bands: number; readerKey: Hex; peerId: Hex }): Hex {
  return toHex(sha256(canonicalJson({ format: 'fedai-node/1', ...node })));
}

const sameRegistration = (a: Registration, b: Registration): boolean =>
  a.roles === b.roles &&
  a.bands === b.bands &&
  a.readerKey === b.readerKey &&
  a.manifestHash === b.manifestHash &&
  a.peerId === b.peerId;
