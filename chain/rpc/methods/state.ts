/** Reading accounts at any height: state nodes are never pruned. */
import { toHex } from '../../../core/index.ts';
import type { StateReader } from '../../execution/index.ts';
import { invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { readAddress, readHeader, readHexAddress, readSlot } from '../params.ts';
import type { MethodGroup } from '../types.ts';

/** Slots of one `eth_getProof`; each costs a walk down a trie. */
const MAX_PROOF_SLOTS = 1024;

export const stateMethods: MethodGroup = ({ application }) => {
  const at = (tag: unknown): StateReader => application.stateAt(readHeader(application, tag).stateRoot);
  return {
    eth_getBalance: ([address, tag]) => quantity(at(tag).account(readAddress(address)).balance),
    eth_getCode: ([address, tag]) => toHex(at(tag).code(readAddress(address))),
    eth_getStorageAt: ([address, slot, tag]) => {
      const value = at(tag).storage(readAddress(address), readSlot(slot, 'position'));
      return `0x${toHex(value).slice(2).padStart(64, '0')}`;
    },
    eth_getTransactionCount: ([address, tag]) => {
      if (tag === 'pending') return quantity(application.pool.nextNonce(readHexAddress(address, 'address')));
      return quantity(at(tag).account(readAddress(address)).nonce);
    },
    eth_getProof: ([address, slots, tag]) => proofOf(at(tag), readAddress(address), slots),
  };
};

/** EIP-1186. */
function proofOf(state: StateReader, address: Uint8Array, slots: unknown) {
  if (!Array.isArray(slots) || slots.length > MAX_PROOF_SLOTS) {
    throw invalidParams(`storage keys: expected a list of at most ${MAX_PROOF_SLOTS}`);
  }
  const account = state.account(address);
  return {
    address: toHex(address),
    balance: quantity(account.balance),
    nonce: quantity(account.nonce),
    codeHash: toHex(account.codeHash),
    storageHash: toHex(account.storageRoot),
    accountProof: state.accountProof(address).map(toHex),
    storageProof: slots.map((key: unknown, index) => {
      const slot = readSlot(key, `storage key ${index}`);
      const value = state.storage(address, slot);
      return {
        key,
        value: quantity(value.length === 0 ? 0n : BigInt(toHex(value))),
        proof: state.storageProof(address, slot).map(toHex),
      };
    }),
  };
}
