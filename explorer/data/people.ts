/** Everybody who has registered, read from the registry's events. */
import type { Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { addressIn, eventsOf } from '../node/events.ts';
import { contractAt } from '../node/node.ts';
import { type Person, readPerson } from './account.ts';

/** Each person is a handful of calls, many in one request. */
export const PEOPLE_PAGE = 50;
const MOST_REGISTERED = 5_000;

/** Everybody who has registered, the latest first. */
export async function registered(): Promise<Hex[]> {
  const topic = codecOf('workerRegistry')!.getEvent('NodeRegistered')!.topicHash as Hex;
  const filter = { address: await contractAt('workerRegistry'), topics: [topic] };
  const { logs } = await eventsOf(filter, MOST_REGISTERED);
  return [...new Set(logs.map(({ topics }) => addressIn(topics[1]!)))];
}

export interface PeoplePage {
  people: Person[];
  total: number;
}

export async function readPeople(first = 0, count = PEOPLE_PAGE): Promise<PeoplePage> {
  const accounts = await registered();
  const people = await Promise.all(accounts.slice(first, first + count).map(readPerson));
  return { people, total: accounts.length };
}

export interface Slash {
  height: number;
  account: Hex;
  amount: bigint;
  reason: string;
  transactionHash: Hex;
}

const MOST_SLASHES = 500;

/** Newest first. */
export async function readSlashes(): Promise<Slash[]> {
  const codec = codecOf('staking')!;
  const topic = codec.getEvent('Slashed')!.topicHash as Hex;
  const { logs } = await eventsOf({ address: await contractAt('staking'), topics: [topic] }, MOST_SLASHES);
  return logs.slice(0, MOST_SLASHES).map((log) => {
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
