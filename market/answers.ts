/** The form of what an RPC endpoint answers, method by method: an endpoint may be broken, or somebody else's. */
import { z } from 'zod';
import { FedaiError } from '../core/index.ts';

const quantity = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/);
/** Heights, gas and nonces: numbers here. */
const small = quantity.refine((text) => Number(text) <= Number.MAX_SAFE_INTEGER);
const data = z.string().regex(/^0x(?:[0-9a-fA-F]{2})*$/);
const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/);
const log = z.looseObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  topics: z.array(hash).max(4),
  data,
  blockNumber: small,
  transactionHash: hash,
});
const receipt = z.looseObject({
  status: small,
  blockNumber: small,
  gasUsed: quantity,
  transactionHash: hash,
  logs: z.array(log),
});

const forms: Readonly<Record<string, z.ZodType>> = {
  eth_blockNumber: small,
  eth_chainId: quantity,
  eth_getBalance: quantity,
  eth_getTransactionCount: small,
  eth_estimateGas: small,
  eth_maxPriorityFeePerGas: quantity,
  eth_call: data,
  eth_getLogs: z.array(log),
  eth_getTransactionReceipt: receipt.nullish(),
  eth_getBlockByNumber: z.looseObject({ baseFeePerGas: quantity.optional() }),
};

/** `result`, when it has the form that `method` answers; what has not is as if the endpoint were away. */
export function checkAnswer(method: string, result: unknown): unknown {
  const form = Object.hasOwn(forms, method) ? forms[method] : undefined;
  const checked = form?.safeParse(result);
  if (checked === undefined || checked.success) return result;
  const issue = checked.error.issues[0];
  throw new FedaiError(
    'RPC_UNAVAILABLE',
    'the RPC endpoint answers what no chain node answers',
    { method, at: issue?.path.join('.'), problem: issue?.message },
    { transient: true, remedy: 'check that the RPC URL is a chain node’s' },
  );
}
