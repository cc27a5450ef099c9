/** JSON-RPC errors with the codes and words that Ethereum's libraries look for (EIP-1474, and geth where that is silent). */
import { FedaiError, type Hex, toHex } from '../../core/index.ts';
import type { CallOutcome } from '../execution/index.ts';

export interface RpcErrorBody {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL = -32603;
export const SERVER_ERROR = -32000;
export const LIMIT_EXCEEDED = -32005;
/** geth's code of a revert. */
const REVERTED = 3;

/** An error whose answer to the caller is known. */
export function rpcFault(code: number, message: string, data?: unknown): FedaiError {
  return new FedaiError('RPC_FAULT', message, { rpcCode: code, rpcData: data });
}

export const invalidParams = (message: string): FedaiError => rpcFault(INVALID_PARAMS, message);

/** What a failed call answers; revert data is in `data`, where ethers and viem read it. */
export function callFault(outcome: CallOutcome): FedaiError {
  const { failure, output } = outcome;
  if (failure?.kind === 'reverted') {
    const reason = revertReason(output);
    return rpcFault(
      REVERTED,
      reason === undefined ? 'execution reverted' : `execution reverted: ${reason}`,
      toHex(output),
    );
  }
  return rpcFault(SERVER_ERROR, failure?.message ?? 'execution failed');
}

/** Selector of `Error(string)`. */
const ERROR_STRING = '0x08c379a0';

function revertReason(output: Uint8Array): string | undefined {
  if (output.length < 68 || toHex(output.subarray(0, 4)) !== ERROR_STRING) return undefined;
  const length = Number(BigInt(toHex(output.subarray(36, 68)) as Hex));
  if (length > output.length - 68) return undefined;
  return new TextDecoder().decode(output.subarray(68, 68 + length));
}

/** Anything thrown, as the caller may see it. Causes and stacks stay in the log. */
export function errorBody(error: unknown): RpcErrorBody {
  if (!(error instanceof FedaiError)) return { code: INTERNAL, message: 'internal error' };
  const { code, data, message } = error;
  if (code === 'RPC_FAULT') {
    const body = { code: data.rpcCode as number, message };
    return data.rpcData === undefined ? body : { ...body, data: data.rpcData };
  }
  if (code === 'CALL_FAILED') return errorBody(callFault(data.outcome as CallOutcome));
  if (code === 'BAD_HEX') return { code: INVALID_PARAMS, message };
  if (code.startsWith('TX_') || code === 'BAD_TRANSACTION') return { code: SERVER_ERROR, message };
  if (code === 'STATE_MISSING') return { code: SERVER_ERROR, message: 'state is not available' };
  return { code: INTERNAL, message: 'internal error' };
}

/** Whether the operator should hear of it. */
export const isInternal = (error: unknown): boolean => errorBody(error).code === INTERNAL;
