/** What a block does before its first transaction, as EIP-4788 and its successors do: no sender, no receipt, no gas of the block. */
import type { Block } from '@ethereumjs/block';
import { createAddressFromString } from '@ethereumjs/util';
import { concatBytes, equalBytes, FedaiError, type Hex, uintBytes, utf8 } from '../../core/index.ts';
import type { Carried, VerdictSection, WorkSection } from '../../light/index.ts';
import { fastKeccak } from './common.ts';
import type { Machine } from './evmPool.ts';

/** Contracts that the chain itself calls; null where a chain has none. */
export interface SystemContracts {
  readonly beaconHistory: Hex | null;
  readonly usefulWork: Hex | null;
  readonly court: Hex | null;
}

/** Caller of system calls (EIP-4788 and its successors). */
const SYSTEM_ADDRESS = createAddressFromString('0xfffffffffffffffffffffffffffffffffffffffe');
/** As EIP-4788: apart from the block's gas. */
const SYSTEM_GAS = 30_000_000n;

const selector = (signature: string): Uint8Array => fastKeccak(utf8(signature)).slice(0, 4);
const RECORD = selector('record()');
const ON_BLOCK = selector('onBlock()');
const OPEN = selector('onBlock(uint64,uint8,uint256,address,bytes32,uint32,uint256,address)');
const JUDGE = selector('onBlock(uint64,bool,bytes32,bytes32,uint32)');

/** Throws `INVALID_BLOCK` when a contract refuses the block's proof of work or verdict. */
export async function callSystem(
  machine: Machine,
  block: Block,
  { work, verdict }: Carried,
  { beaconHistory, usefulWork, court }: SystemContracts,
): Promise<void> {
  const tell = (to: Hex, data: Uint8Array) => call(machine, block, to, data);
  if (beaconHistory !== null) await tell(beaconHistory, RECORD);
  // Whoever proposes has seen the bundle and could name itself: the fee is the worker's (ADR 0017).
  if (work !== null && !equalBytes(work.opener, work.worker))
    throw new FedaiError('INVALID_BLOCK', 'proof of work refused: its opener is not the worker of the trace');
  if (work !== null) await demand(tell, usefulWork, openingCall(work), 'proof of work');
  else if (usefulWork !== null) await tell(usefulWork, ON_BLOCK);
  if (verdict !== null) await demand(tell, court, verdictCall(verdict), 'verdict');
  // After the verdict: a case that is judged in its last block is not closed for silence.
  if (court !== null) await tell(court, ON_BLOCK);
}

async function demand(
  tell: (to: Hex, data: Uint8Array) => Promise<string | undefined>,
  to: Hex | null,
  data: Uint8Array,
  what: string,
): Promise<void> {
  const error = to === null ? 'this chain has no contract for it' : await tell(to, data);
  if (error !== undefined) throw new FedaiError('INVALID_BLOCK', `${what} refused: ${error}`);
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

function verdictCall({ caseId, guilty, digest, traceRoot, segment }: VerdictSection): Uint8Array {
  const words = [uintBytes(caseId, 32), uintBytes(guilty ? 1 : 0, 32), digest, traceRoot];
  return concatBytes(JUDGE, ...words, uintBytes(segment, 32));
}

const leftPadded = (bytes: Uint8Array): Uint8Array => concatBytes(new Uint8Array(32 - bytes.length), bytes);
