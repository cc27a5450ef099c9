/** Message calls without consequences: `eth_call` and the search for a sufficient gas limit. */
import { type BlockHeader, createBlock, createBlockHeader } from '@ethereumjs/block';
import type { Common } from '@ethereumjs/common';
import { EVMError, type ExecResult } from '@ethereumjs/evm';
import { createFeeMarket1559Tx } from '@ethereumjs/tx';
import { createAddressFromString } from '@ethereumjs/util';
import { runTx } from '@ethereumjs/vm';
import { FedaiError } from '../../core/index.ts';
import type { EvmPool, Machine } from './evmPool.ts';
import type { CallOutcome, CallRequest } from './types.ts';

/** Gas that a call with value lends its callee, so it must be there although it is not used up (geth guesses likewise). */
const CALL_STIPEND = 2300n;
/** What a plain transfer takes. */
const TRANSFER_GAS = 21_000n;

export async function runCall(
  pool: EvmPool,
  header: BlockHeader,
  request: CallRequest,
  common: Common,
): Promise<CallOutcome> {
  return pool.use(header.stateRoot, async ({ evm }) => {
    const caller = createAddressFromString(request.from);
    const { execResult } = await evm.runCall({
      caller,
      origin: caller,
      ...(request.to === null ? {} : { to: createAddressFromString(request.to) }),
      data: request.data,
      value: request.value,
      gasLimit: request.gasLimit,
      gasPrice: request.gasPrice,
      block: createBlock({ header }, { common }),
      skipBalance: true,
    });
    return outcomeOf(execResult, execResult.executionGasUsed);
  });
}

function outcomeOf(result: ExecResult, gasUsed: bigint): CallOutcome {
  const error = result.exceptionError;
  if (error === undefined) return { gasUsed, output: result.returnValue };
  const { REVERT, OUT_OF_GAS } = EVMError.errorMessages;
  const kind = error.error === REVERT ? 'reverted' : error.error === OUT_OF_GAS ? 'out of gas' : 'failed';
  const output = kind === 'reverted' ? result.returnValue : new Uint8Array(0);
  return { gasUsed, output, failure: { kind, message: error.error } };
}

/** Throws `CALL_FAILED` (data: the outcome) when the request fails at its own gas limit. */
export async function searchGas(
  pool: EvmPool,
  header: BlockHeader,
  request: CallRequest,
  common: Common,
): Promise<bigint> {
  const attempt = async (gas: bigint) => {
    // The EVM gives way to nothing else; a search of many executions does between them.
    await new Promise((resolve) => setImmediate(resolve));
    return await attemptAs(pool, header, request, common, gas);
  };
  if (request.data.length === 0 && (await attempt(TRANSFER_GAS)).failure === undefined) return TRANSFER_GAS;
  let enough = request.gasLimit;
  const first = await attempt(enough);
  if (first.failure !== undefined) {
    throw new FedaiError('CALL_FAILED', 'the transaction would fail', { outcome: first });
  }
  let tooLittle = first.gasUsed - 1n;
  const guess = ((first.gasUsed + CALL_STIPEND) * 64n) / 63n;
  if (guess < enough) {
    if ((await attempt(guess)).failure === undefined) enough = guess;
    else tooLittle = guess;
  }
  // Within 1.5 %, as geth: exact search costs more executions than the gas is worth.
  while (tooLittle + 1n < enough && (enough - tooLittle) * 1000n > 15n * enough) {
    const middle = (enough + tooLittle) / 2n;
    if ((await attempt(middle)).failure === undefined) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}

/** Runs the request as a transaction at no gas price; `gasUsed` counts everything a receipt would. */
async function attemptAs(
  pool: EvmPool,
  header: BlockHeader,
  request: CallRequest,
  common: Common,
  gasLimit: bigint,
): Promise<CallOutcome> {
  try {
    return await executeAs(pool, header, request, common, gasLimit);
  } catch (cause) {
    return failedBeforeRunning(cause, gasLimit);
  }
}

/** Throws what makes a transaction unfit to run: too large an initcode, too high a nonce, too little gas or money. */
async function executeAs(
  pool: EvmPool,
  header: BlockHeader,
  request: CallRequest,
  common: Common,
  gasLimit: bigint,
): Promise<CallOutcome> {
  const from = createAddressFromString(request.from);
  const tx = createFeeMarket1559Tx(
    {
      chainId: common.chainId(),
      gasLimit,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      value: request.value,
      data: request.data,
      ...(request.to === null ? {} : { to: createAddressFromString(request.to) }),
    },
    { common, freeze: false },
  );
  tx.getSenderAddress = () => from;
  const free = createBlockHeader({ ...header, baseFeePerGas: 0n }, { common });
  return await pool.use(header.stateRoot, async (machine: Machine) => {
    const block = createBlock({ header: free }, { common });
    const result = await runTx(machine.vm, { tx, block, skipNonce: true, skipHardForkValidation: true });
    // Refunds come after the fact: the limit must cover what was held before them.
    return outcomeOf(result.execResult, result.totalGasSpent);
  });
}

function failedBeforeRunning(cause: unknown, gasUsed: bigint): CallOutcome {
  if (cause instanceof FedaiError) throw cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const message = text.includes('enough funds') ? 'insufficient funds for transfer' : text.split(' (vm')[0]!;
  const kind = text.includes('INTRINSIC_GAS') ? 'out of gas' : 'failed';
  return { gasUsed, output: new Uint8Array(0), failure: { kind, message } };
}
