/** What the chain knows of an account, as a person and as a purse. */
import { base58btc } from 'multiformats/bases/base58';
import { fromHex, type Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { eventsOf, wordOf } from '../node/events.ts';
import { ask, chainStatus, contractAt, openMarket } from '../node/node.ts';
import type { Log } from '../rpc/shapes.ts';

export interface Reputation {
  jobs: number;
  rounds: number;
  scoresAgreed: number;
  scoresFailed: number;
  slashes: number;
  slashedWei: bigint;
}

export interface AccountView {
  balance: bigint;
  nonce: bigint;
  isContract: boolean;
  contract: string | undefined;
  person: Person | undefined;
  votes: bigint | undefined;
  /** Newest first. */
  logs: Log[];
}

export interface Person {
  address: Hex;
  roles: number;
  bands: number;
  /** Text form of the id under which its daemon is connected; undefined where none is registered. */
  peerId: string | undefined;
  stake: bigint;
  free: bigint;
  /** Paid by jobs since block `earnedSince`, withdrawn or not. */
  earned: bigint;
  earnedSince: number;
  withdrawable: bigint;
  reputation: Reputation;
}

const MAX_LOGS = 50;
/** Payments to one account that are added up; far more than anybody gets in the blocks that are looked back. */
const MAX_CREDITS = 10_000;

export { latestHeight } from '../node/node.ts';

const MOST_PEER_ID_BYTES = 64;

/** As programs print it: the multihash in base58. */
function peerIdText(hex: Hex): string | undefined {
  const bytes = fromHex(hex);
  return bytes.length === 0 || bytes.length > MOST_PEER_ID_BYTES
    ? undefined
    : base58btc.encode(bytes).slice(1);
}

export async function readPerson(address: Hex): Promise<Person> {
  const market = await openMarket();
  const [registration, stake, free, withdrawable, workPay, reputation, paid] = await Promise.all([
    market.nodeOf(address),
    market.stakeOf(address),
    market.freeStakeOf(address),
    market.withdrawable(address),
    market.workWithdrawable(address),
    reputationOf(address),
    earnedBy(address),
  ]);
  const { roles, bands } = registration;
  const peerId = peerIdText(registration.peerId);
  return {
    address,
    roles,
    bands,
    peerId,
    stake,
    free,
    ...paid,
    withdrawable: withdrawable + workPay,
    reputation,
  };
}

async function reputationOf(address: Hex): Promise<Reputation> {
  const codec = codecOf('workerRegistry')!;
  const data = codec.encodeFunctionData('reputationOf', [address]) as Hex;
  const output = await ask.call(await contractAt('workerRegistry'), data);
  const told = codec.decodeFunctionResult('reputationOf', output)[0] as Record<string, bigint>;
  return {
    jobs: Number(told['jobs']),
    rounds: Number(told['rounds']),
    scoresAgreed: Number(told['scoresAgreed']),
    scoresFailed: Number(told['scoresFailed']),
    slashes: Number(told['slashes']),
    slashedWei: told['slashedWei'] ?? 0n,
  };
}

async function earnedBy(address: Hex): Promise<{ earned: bigint; earnedSince: number }> {
  const topic = codecOf('jobManager')!.getEvent('Credited')!.topicHash as Hex;
  const filter = { address: await contractAt('jobManager'), topics: [topic, null, wordOf(address)] };
  const { logs, from } = await eventsOf(filter, MAX_CREDITS);
  return { earned: logs.reduce((sum, { data }) => sum + BigInt(data), 0n), earnedSince: from };
}

export async function readAccount(address: Hex): Promise<AccountView> {
  const { contracts } = await chainStatus();
  const contract = Object.keys(contracts).find((key) => contracts[key] === address);
  const [balance, nonce, code, logs, person] = await Promise.all([
    ask.balance(address),
    ask.nonce(address),
    ask.code(address),
    contract === undefined ? logsNaming(address) : logsBy(address),
    contract === undefined ? readPerson(address).catch(() => undefined) : undefined,
  ]);
  const isContract = code !== '0x';
  return { balance, nonce, isContract, contract, person, votes: undefined, logs };
}

const logsBy = async (address: Hex): Promise<Log[]> =>
  (await eventsOf({ address, topics: [] }, MAX_LOGS)).logs.slice(0, MAX_LOGS);

/** Events that name the account in any of their places. */
async function logsNaming(address: Hex): Promise<Log[]> {
  const word = wordOf(address);
  const found = await Promise.all(
    [1, 2, 3].map((place) =>
      eventsOf({ topics: [...Array.from({ length: place }, () => null), word] }, MAX_LOGS),
    ),
  );
  const all = found.flatMap(({ logs }) => logs);
  const once = new Map(all.map((log) => [`${log.transactionHash}.${log.logIndex}`, log]));
  return [...once.values()]
    .sort((a, b) => b.blockNumber - a.blockNumber || b.logIndex - a.logIndex)
    .slice(0, MAX_LOGS);
}
