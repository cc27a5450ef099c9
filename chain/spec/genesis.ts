/** From a chain spec to block 0 and its state. Deterministic: the same file gives the same hash everywhere. */
import { createBlockHeader } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { Account, createAddressFromString } from '@ethereumjs/util';
import {
  canonicalJson,
  concatBytes,
  equalBytes,
  FedaiError,
  fromHex,
  toHex,
  utf8,
} from '../../core/index.ts';
import { EMPTY_HASH, sectionHash, type ValidatorSet, validatorSetHash } from '../../light/index.ts';
import {
  createChainCommon,
  EMPTY_ROOT,
  fastKeccak,
  memoryStateSource,
  OverlayState,
  StateDb,
  type StateWrites,
} from '../execution/index.ts';
import type { Block } from '../types.ts';
import { readValidators } from './readValidators.ts';
import type { ChainSpec } from './schema.ts';

export interface Genesis {
  readonly block: Block;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly validators: ValidatorSet;
  readonly writes: StateWrites;
  readonly common: Common;
}

const GENESIS_DOMAIN = 'fedai-genesis/1';

/** Throws `BAD_CHAIN_SPEC` when the validators listed are not those of Staking's genesis state. */
export async function createGenesis(spec: ChainSpec): Promise<Genesis> {
  const common = createChainCommon(spec.chainId);
  const source = memoryStateSource();
  const { stateRoot, writes } = await genesisState(spec, new StateDb(source));
  source.add(writes);
  const validators = validatorsOf(spec);
  const section = {
    version: 1,
    round: 0,
    parentCommitHash: EMPTY_HASH,
    validatorsHash: validatorSetHash(validators),
    nextValidatorsHash: validatorSetHash(validators),
    randaoReveal: new Uint8Array(0),
    work: null,
    verdict: null,
  } as const;
  const header = createBlockHeader(
    {
      number: 0,
      stateRoot,
      gasLimit: BigInt(spec.gasLimit),
      timestamp: Math.floor(spec.genesisTimeMs / 1000),
      baseFeePerGas: BigInt(spec.baseFeePerGas),
      extraData: sectionHash(section),
      mixHash: genesisBeacon(spec),
    },
    { common },
  );
  const staked = await readValidators(header, new StateDb(source), common, spec.contracts.staking);
  if (staked !== undefined && !equalBytes(validatorSetHash(staked), validatorSetHash(validators))) {
    throw new FedaiError(
      'BAD_CHAIN_SPEC',
      "chain spec: validators: not those of Staking's genesis state",
      { staked: staked.map((one) => one.address), listed: validators.map((one) => one.address) },
      { remedy: 'make the chain spec anew with `fedai chain spec`; do not edit its validators by hand' },
    );
  }
  const block: Block = { header, transactions: [], section, parentCommit: null };
  return { block, hash: header.hash(), validators, writes, common };
}

/** First random beacon: binds every parameter of the spec into the genesis hash, bootstrap peers excepted. */
function genesisBeacon(spec: ChainSpec): Uint8Array {
  const { bootstrap: _, ...agreed } = spec;
  return fastKeccak(concatBytes(utf8(GENESIS_DOMAIN), canonicalJson(agreed)));
}

export function validatorsOf(spec: ChainSpec): ValidatorSet {
  return spec.validators.map((one) => ({
    address: toHex(fromHex(one.address)),
    blsPublicKey: fromHex(one.blsPublicKey, 48),
    power: BigInt(one.power),
  }));
}

async function genesisState(spec: ChainSpec, db: StateDb) {
  const state = new OverlayState(db, EMPTY_ROOT);
  for (const [name, entry] of Object.entries(spec.alloc)) {
    const address = createAddressFromString(name);
    await state.putAccount(address, new Account(BigInt(entry.nonce ?? 0), BigInt(entry.balance)));
    if (entry.code !== undefined) await state.putCode(address, fromHex(entry.code));
    for (const [slot, value] of Object.entries(entry.storage ?? {})) {
      await state.putStorage(address, fromHex(slot), fromHex(value));
    }
  }
  return state.seal();
}
