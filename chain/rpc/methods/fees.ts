/** What a transaction should offer, from what recent ones paid. */
import type { ChainApplication } from '../../application.ts';
import { invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { type Params, readHeight, readQuantity } from '../params.ts';
import type { MethodGroup } from '../types.ts';

/** Blocks that a suggestion looks back on, and which of their tips it takes (both geth's). */
const LOOK_BACK = 20;
const SUGGESTED_PERCENTILE = 60;
/** Suggested on an idle chain, wei: one gwei, as wallets expect. */
const DEFAULT_TIP = 1_000_000_000n;
/** Blocks of one `eth_feeHistory` (geth's). */
const MAX_HISTORY = 1024;
const MAX_PERCENTILES = 100;

export const feeMethods: MethodGroup = ({ application }) => ({
  eth_gasPrice: () => quantity(application.headHeader.calcNextBaseFee() + suggestedTip(application)),
  eth_maxPriorityFeePerGas: () => quantity(suggestedTip(application)),
  eth_blobBaseFee: () => '0x1',
  eth_feeHistory: (params) => feeHistory(application, params),
});

interface Paid {
  readonly tip: bigint;
  readonly gasUsed: bigint;
}

function tipsAt(application: ChainApplication, height: number, baseFee: bigint): Paid[] {
  return (application.store.receipts(height) ?? [])
    .map((receipt) => ({ tip: receipt.effectiveGasPrice - baseFee, gasUsed: receipt.gasUsed }))
    .sort((a, b) => (a.tip < b.tip ? -1 : 1));
}

function suggestedTip(application: ChainApplication): bigint {
  const head = application.head.height;
  const tips: bigint[] = [];
  for (let height = head; height > Math.max(0, head - LOOK_BACK); height--) {
    const baseFee = application.store.block(height)!.header.baseFeePerGas!;
    tips.push(...tipsAt(application, height, baseFee).map((paid) => paid.tip));
  }
  if (tips.length === 0) return DEFAULT_TIP;
  tips.sort((a, b) => (a < b ? -1 : 1));
  const tip = tips[Math.floor(((tips.length - 1) * SUGGESTED_PERCENTILE) / 100)]!;
  return tip > 0n ? tip : 1n;
}

function feeHistory(application: ChainApplication, [count, newest, percentiles]: Params) {
  const asked = typeof count === 'number' ? count : Number(readQuantity(count, 'block count'));
  if (typeof count === 'number' && (!Number.isSafeInteger(count) || count < 0)) {
    throw invalidParams('block count: expected a whole number');
  }
  const wanted = readPercentiles(percentiles);
  const last = Math.min(readHeight(application, newest), application.head.height);
  const blocks = Math.min(asked, MAX_HISTORY, last + 1);
  const heights = Array.from({ length: blocks }, (_, index) => last - blocks + 1 + index);
  const headers = heights.map((height) => application.store.block(height)!.header);
  const next = headers.at(-1)?.calcNextBaseFee();
  const history = {
    oldestBlock: quantity(heights[0] ?? 0),
    baseFeePerGas: [
      ...headers.map((header) => header.baseFeePerGas!),
      ...(next === undefined ? [] : [next]),
    ].map((fee) => quantity(fee)),
    gasUsedRatio: headers.map((header) => Number(header.gasUsed) / Number(header.gasLimit)),
    baseFeePerBlobGas: Array.from({ length: blocks + 1 }, () => '0x1'),
    blobGasUsedRatio: headers.map(() => 0),
  };
  if (wanted.length === 0) return history;
  const reward = heights.map((height, index) => {
    const { baseFeePerGas, gasUsed } = headers[index]!;
    return rewardsAt(tipsAt(application, height, baseFeePerGas!), gasUsed, wanted);
  });
  return { ...history, reward };
}

/** Tips at percentiles of gas used, lowest tip first. */
function rewardsAt(paid: readonly Paid[], gasUsed: bigint, percentiles: readonly number[]) {
  return percentiles.map((percentile) => {
    const threshold = (Number(gasUsed) * percentile) / 100;
    let sum = 0;
    for (const { tip, gasUsed: gas } of paid) {
      sum += Number(gas);
      if (sum >= threshold) return quantity(tip);
    }
    return quantity(paid.at(-1)?.tip ?? 0n);
  });
}

function readPercentiles(value: unknown): number[] {
  if (value === undefined || value === null) return [];
  const ascending = (list: unknown[]) =>
    list.every(
      (one, index) =>
        typeof one === 'number' &&
        one >= 0 &&
        one <= 100 &&
        (index === 0 || one >= (list[index - 1] as number)),
    );
  if (Array.isArray(value) && value.length <= MAX_PERCENTILES && ascending(value)) return value;
  throw invalidParams('reward percentiles: expected up to 100 ascending numbers from 0 to 100');
}
