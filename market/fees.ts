/** EIP-1559 fees for the next transaction, from what the chain says now. */
import type { RpcTransport } from './transport.ts';

export interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

/** Twice the base fee stays enough for at least five full blocks (12.5 % a block). */
const BASE_FEE_HEADROOM = 2n;
/** 1 gwei: what an EVM chain without `eth_maxPriorityFeePerGas` accepts as a tip. */
const DEFAULT_TIP_WEI = 1_000_000_000n;

/** A pool takes a replacement that raises both caps by a tenth; an eighth passes rounding and stricter pools. */
const RAISE_NUMERATOR = 9n;
const RAISE_DENOMINATOR = 8n;

/** Fees of a transaction that replaces one with `old`: what is suggested now, but enough for pools to take it. Wei per gas. */
export function raiseFees(old: Fees, suggested: Fees): Fees {
  const raise = (before: bigint, now: bigint): bigint => {
    const least = (before * RAISE_NUMERATOR + RAISE_DENOMINATOR - 1n) / RAISE_DENOMINATOR;
    // What was nothing cannot grow by a share.
    return now > least ? now : least > before ? least : before + 1n;
  };
  return {
    maxFeePerGas: raise(old.maxFeePerGas, suggested.maxFeePerGas),
    maxPriorityFeePerGas: raise(old.maxPriorityFeePerGas, suggested.maxPriorityFeePerGas),
  };
}

/** Wei per gas. */
export async function suggestFees(transport: RpcTransport, signal?: AbortSignal): Promise<Fees> {
  const [block, tip] = await Promise.all([
    transport.request('eth_getBlockByNumber', ['latest', false], signal),
    transport.request('eth_maxPriorityFeePerGas', [], signal).catch(() => DEFAULT_TIP_WEI),
  ]);
  const baseFee = BigInt((block as { baseFeePerGas?: string }).baseFeePerGas ?? 0);
  const maxPriorityFeePerGas = BigInt(tip as string | bigint);
  return { maxFeePerGas: baseFee * BASE_FEE_HEADROOM + maxPriorityFeePerGas, maxPriorityFeePerGas };
}
