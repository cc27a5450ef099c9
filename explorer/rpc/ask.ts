/** Typed questions to the chain node, each answer checked. */
import { z } from 'zod';
import type { Hex } from '../../core/index.ts';
import type { RpcTransport } from '../../market/index.ts';
import {
  blockSchema,
  checked,
  commitSchema,
  drawSchema,
  glanceSchema,
  logSchema,
  peersSchema,
  receiptSchema,
  statusSchema,
  traceSchema,
  transactionSchema,
  validatorsSchema,
} from './shapes.ts';

export interface LogFilter {
  address?: Hex | readonly Hex[];
  topics?: readonly (Hex | readonly Hex[] | null)[];
  fromHeight: number;
  toHeight: number;
}

const quantity = (value: number | bigint): string => `0x${value.toString(16)}`;
const amount = z.string().transform(BigInt);
const text = z.string().regex(/^0x/);

export function createAsk(transport: RpcTransport) {
  const ask = async <T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> =>
    checked(schema, await transport.request(method, params), method);
  return {
    status: () => ask(statusSchema, 'fedai_status'),
    /** With its transactions; null beyond the head. */
    block: (height: number) => ask(blockSchema.nullable(), 'eth_getBlockByNumber', quantity(height), true),
    /** With the hashes of its transactions alone; null beyond the head. */
    glance: (height: number) => ask(glanceSchema.nullable(), 'eth_getBlockByNumber', quantity(height), false),
    blockByHash: (hash: Hex) => ask(blockSchema.nullable(), 'eth_getBlockByHash', hash, true),
    transaction: (hash: Hex) => ask(transactionSchema.nullable(), 'eth_getTransactionByHash', hash),
    receipt: (hash: Hex) => ask(receiptSchema.nullable(), 'eth_getTransactionReceipt', hash),
    balance: (account: Hex) => ask(amount, 'eth_getBalance', account, 'latest'),
    nonce: (account: Hex) => ask(amount, 'eth_getTransactionCount', account, 'latest'),
    code: (account: Hex) => ask(text, 'eth_getCode', account, 'latest'),
    call: (to: Hex, data: Hex) => ask(text, 'eth_call', { to, data }, 'latest'),
    logs: ({ fromHeight, toHeight, address, topics }: LogFilter) =>
      ask(z.array(logSchema), 'eth_getLogs', {
        fromBlock: quantity(fromHeight),
        toBlock: quantity(toHeight),
        ...(address !== undefined && { address }),
        ...(topics !== undefined && { topics }),
      }),
    /** Empty from a chain node that does not tell. */
    peers: () => ask(peersSchema, 'fedai_getPeers').catch(() => []),
    validators: (height: number) => ask(validatorsSchema, 'fedai_getValidators', height),
    commit: (height: number) => ask(commitSchema.nullable(), 'fedai_getCommit', height),
    draw: (height: number) => ask(drawSchema.nullable(), 'fedai_getWorkDraw', height),
    trace: (id: bigint) => ask(traceSchema.nullable(), 'fedai_getTrace', quantity(id)),
  };
}

export type Ask = ReturnType<typeof createAsk>;
