/** Plain reads of accounts, code and storage at a state root, and their proofs (EIP-1186). */
import { decode } from '@ethereumjs/rlp';
import { Account, createAccountFromRLP, KECCAK256_NULL } from '@ethereumjs/util';
import { equalBytes } from '../../core/index.ts';
import { fastKeccak } from './common.ts';
import type { StateDb } from './stateDb.ts';
import { prove } from './trie.ts';

const NOTHING = new Uint8Array(0);

/** Addresses are 20 bytes, slots 32; an account that is not there reads as empty. */
export interface StateReader {
  account(address: Uint8Array): Account;
  code(address: Uint8Array): Uint8Array;
  /** Without leading zeros. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array;
  accountProof(address: Uint8Array): Uint8Array[];
  storageProof(address: Uint8Array, slot: Uint8Array): Uint8Array[];
}

export function readState(db: StateDb, root: Uint8Array): StateReader {
  const account = (address: Uint8Array): Account => {
    const rlp = db.trie(root).get(fastKeccak(address));
    return rlp === undefined ? new Account() : createAccountFromRLP(rlp);
  };
  return {
    account,
    code(address) {
      const { codeHash } = account(address);
      return equalBytes(codeHash, KECCAK256_NULL) ? NOTHING : db.code(codeHash);
    },
    storage(address, slot) {
      const rlp = db.trie(account(address).storageRoot).get(fastKeccak(slot));
      return rlp === undefined ? NOTHING : (decode(rlp) as Uint8Array);
    },
    accountProof: (address) => prove(db.source, root, fastKeccak(address)),
    storageProof: (address, slot) => prove(db.source, account(address).storageRoot, fastKeccak(slot)),
  };
}
