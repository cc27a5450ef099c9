/** Finding logs: blooms first, then receipts of the heights that may match. */
import { toHex } from '../../../core/index.ts';
import type { ChainApplication } from '../../application.ts';
import { bloomTester } from '../../execution/index.ts';
import { invalidParams, LIMIT_EXCEEDED, rpcFault } from '../faults.ts';
import { formatLog, type RpcLog } from '../format.ts';
import { readAddress, readHash, readHeight } from '../params.ts';
import type { MethodGroup } from '../types.ts';
import { transactionHashes } from './transactions.ts';

/** Of one answer; a client that wants more asks for fewer blocks. */
const MAX_LOGS = 10_000;
/** Heights of one question: their blooms are 25 MB to look at. */
const MAX_RANGE = 100_000;
const MAX_ALTERNATIVES = 1_000;

export interface LogQuery {
  readonly from: number;
  readonly to: number;
  /** Any of these; empty: all. */
  readonly addresses: readonly string[];
  /** By position, any of these; null: all. */
  readonly topics: readonly (readonly string[] | null)[];
}

export const logMethods: MethodGroup = ({ application }) => ({
  eth_getLogs: ([filter]) => findLogs(application, readLogQuery(application, filter)),
});

export function readLogQuery(application: ChainApplication, value: unknown): LogQuery {
  if (typeof value !== 'object' || value === null) throw invalidParams('filter: expected an object');
  const { fromBlock, toBlock, blockHash, address, topics } = value as Record<string, unknown>;
  const criteria = { addresses: readAddresses(address), topics: readTopics(topics) };
  if (blockHash !== undefined) {
    if (fromBlock !== undefined || toBlock !== undefined) {
      throw invalidParams('filter: blockHash goes with neither fromBlock nor toBlock');
    }
    const height = readHeight(application, { blockHash });
    return { from: height, to: height, ...criteria };
  }
  const from = readHeight(application, fromBlock ?? 'latest');
  const to = readHeight(application, toBlock ?? 'latest');
  if (from > to) throw invalidParams('filter: fromBlock is after toBlock');
  return { from, to, ...criteria };
}

function readAddresses(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > MAX_ALTERNATIVES) throw invalidParams('filter: too many addresses');
  return list.map((one) => toHex(readAddress(one)));
}

function readTopics(value: unknown): (string[] | null)[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > 4) throw invalidParams('topics: expected a list of at most 4');
  return value.map((one: unknown) => {
    if (one === null) return null;
    const list = Array.isArray(one) ? one : [one];
    if (list.length > MAX_ALTERNATIVES) throw invalidParams('topics: too many alternatives');
    if (list.includes(null) || list.length === 0) return null;
    return list.map((topic) => toHex(readHash(topic, 'topic')));
  });
}

/** Throws -32005 when the question is too wide. */
export async function findLogs(application: ChainApplication, query: LogQuery): Promise<RpcLog[]> {
  const to = Math.min(query.to, application.head.height);
  if (to - query.from >= MAX_RANGE) {
    throw rpcFault(LIMIT_EXCEEDED, `query spans more than ${MAX_RANGE} blocks`);
  }
  const found: RpcLog[] = [];
  for await (const height of application.store.heightsMatching(query.from, to, bloomTest(query))) {
    found.push(...logsAt(application, height, query));
    if (found.length > MAX_LOGS) {
      throw rpcFault(LIMIT_EXCEEDED, `query returned more than ${MAX_LOGS} results`);
    }
  }
  return found;
}

function bloomTest({ addresses, topics }: LogQuery): (bloom: Uint8Array) => boolean {
  const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
  const alternatives = [addresses, ...topics]
    .filter((list): list is readonly string[] => list !== null && list.length > 0)
    .map((list) => list.map((item) => bloomTester(bytes(item))));
  return (bloom) => alternatives.every((list) => list.some((test) => test(bloom)));
}

/** Those of one block that match. */
export function logsAt(application: ChainApplication, height: number, query: LogQuery): RpcLog[] {
  const block = application.store.block(height)!;
  const receipts = application.store.receipts(height)!;
  const blockHash = toHex(block.header.hash());
  const hashes = transactionHashes(application, block);
  let logIndex = 0;
  return receipts.flatMap((receipt, index) =>
    receipt.logs
      .map((log) =>
        formatLog(log, hashes[index]!, { blockHash, height, index }, logIndex++, block.header.timestamp),
      )
      .filter((log) => matches(log, query)),
  );
}

function matches(log: RpcLog, { addresses, topics }: LogQuery): boolean {
  if (addresses.length > 0 && !addresses.includes(log.address)) return false;
  return topics.every((list, position) => {
    const topic = log.topics[position];
    return topic !== undefined && (list === null || list.includes(topic));
  });
}
