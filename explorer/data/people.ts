/** Everybody who has registered, read from the registry's events. */
import type { Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { ask, contractAt } from '../node/node.ts';
import { latestHeight, type Person, readPerson } from './account.ts';

const LOG_RANGE = 90_000;
/** Each person is a handful of calls. */
const MAX_PEOPLE = 200;

export async function readPeople(): Promise<Person[]> {
  const codec = codecOf('workerRegistry')!;
  const toHeight = await latestHeight();
  const logs = await ask.logs({
    address: await contractAt('workerRegistry'),
    topics: [codec.getEvent('NodeRegistered')!.topicHash as Hex],
    fromHeight: Math.max(0, toHeight - LOG_RANGE),
    toHeight,
  });
  const accounts = new Set(logs.map(({ topics }) => `0x${topics[1]!.slice(26)}` as Hex));
  return Promise.all([...accounts].slice(-MAX_PEOPLE).map(readPerson));
}

export interface Slash {
  height: number;
  account: Hex;
  amount: bigint;
  reason: string;
  transactionHash: Hex;
}

/** Newest first. */
export async function readSlashes(): Promise<Slash[]> {
  const codec = codecOf('staking')!;
  const toHeight = await latestHeight();
  const logs = await ask.logs({
    address: await contractAt('staking'),
    topics: [codec.getEvent('Slashed')!.topicHash as Hex],
    fromHeight: Math.max(0, toHeight - LOG_RANGE),
    toHeight,
  });
  return logs.reverse().map((log) => {
    const { args } = codec.parseLog({ topics: log.topics, data: log.data })!;
    return {
      height: log.blockNumber,
      account: String(args['account']).toLowerCase() as Hex,
      amount: args['amount'] as bigint,
      reason: reasonOf(String(args['reason'])),
      transactionHash: log.transactionHash,
    };
  });
}

/** Reasons are short texts in 32 bytes, or hashes of longer ones. */
function reasonOf(word: string): string {
  const bytes = (word.slice(2).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const end = bytes.indexOf(0);
  const text = bytes.slice(0, end < 0 ? undefined : end);
  const isText = text.length > 0 && text.every((code) => code >= 32 && code < 127);
  return isText ? String.fromCharCode(...text) : word;
}
