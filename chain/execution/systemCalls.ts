/** What a block does before its first transaction, as EIP-4788 and its successors do: no sender, no receipt, no gas of the block. */
import type { Block } from '@ethereumjs/block';
import { createAddressFromString } from '@ethereumjs/util';
import { concatBytes, FedaiError, type Hex, uintBytes, utf8 } from '../../core/index.ts';
import type { WorkSection } from '../../light/index.ts';
import { fastKeccak } from './common.ts';
import type { Machine } from './evmPool.ts';

/** Contracts that the chain itself calls; null where a chain has none. */
export interface SystemContracts {
  readonly beaconHistory: Hex | null;
  readonly usefulWork: Hex | null;
}

/** Caller of system calls (EIP-4788 and its successors). */
const SYSTEM_ADDRESS = createAddressFromString('0xfffffffffffffffffffffffffffffffffffffffe');
/** As EIP-4788: apart from the block's gas. */
const SYSTEM_GAS = 30_000_000n;

const selector = (signature: string): Uint8Array => fastKeccak(utf8(signature)).slice(0, 4);
const RECORD = selector('record()');
const ON_BLOCK = selector('onBlock()');
const OPEN = selector('onBlock(uint64,uint8,uint256,address,bytes32,uint32,uint256,address)');

/** Throws `INVALID_BLOCK` when the contract refuses the block's proof of work. */
export async function callSystem(
  machine: Machine,
  block: Block,
  work: WorkSection | null,
  { beaconHistory, usefulWork }: SystemContracts,
): Promise<void> {
  if (beaconHistory !== null) await call(machine, block, beaconHistory, RECORD);
  if (usefulWork === null) {
    if (work !== null) throw new FedaiError('INVALID_BLOCK', 'this chain has no proofs of work');
    return;
  }
  const error = await call(machine, block, usefulWork, work === null ? ON_BLOCK : openingCall(work));
  if (work !== null && error !== undefined)
    throw new FedaiError('INVALID_BLOCK', `proof of work refused: ${error}`);
}

async function call(machine: Machine, block: Block, to: Hex, data: Uint8Array): Promise<string | undefined> {
  const { execResult } = await machine.evm.runCall({
    caller: SYSTEM_ADDRESS,
    to: createAddressFromString(to),
    data,
    gasLimit: SYSTEM_GAS,
    block,
    skipNonceIncrement: true,
  });
  await machine.evm.journal.cleanup();
  machine.state.originalStorageCache.clear();
  return execResult.exceptionError?.error;
}

function openingCall(work: WorkSection): Uint8Array {
  const words = [
    uintBytes(work.drawHeight, 32),
    uintBytes(work.rank, 32),
    uintBytes(work.jobId, 32),
    leftPadded(work.worker),
    work.traceRoot,
    uintBytes(work.segment, 32),
    uintBytes(work.totalWeight, 32),
    leftPadded(work.opener),
  ];
  return concatBytes(OPEN, ...words);
}

const leftPadded = (bytes: Uint8Array): Uint8Array => concatBytes(new Uint8Array(32 - bytes.length), bytes);
