/** What the chain knows of an account, as a person and as a purse. */
import type { Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { ask, chainStatus, contractAt, node, openMarket } from '../node/node.ts';
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
  stake: bigint;
  free: bigint;
  /** Paid by jobs since the chain began, withdrawn or not. */
  earned: bigint;
  withdrawable: bigint;
  reputation: Reputation;
}

/** As many blocks as a chain node searches at once. */
const LOG_RANGE = 90_000;
const MAX_LOGS = 50;

export const latestHeight = async (): Promise<number> => {
  const { height } = node.get();
  return height >= 0 ? height : (await ask.status()).height;
};

const wordOf = (address: Hex): Hex => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;

export async function readPerson(address: Hex): Promise<Person> {
  const market = await openMarket();
  const [registration, stake, free, withdrawable, workPay, reputation, earned] = await Promise.all([
    market.nodeOf(address),
    market.stakeOf(address),
    market.freeStakeOf(address),
    market.withdrawable(address),
    market.workWithdrawable(address),
    reputationOf(address),
    earnedBy(address),
  ]);
  const { roles, bands } = registration;
  return { address, roles, bands, stake, free, earned, withdrawable: withdrawable + workPay, reputation };
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

async function earnedBy(address: Hex): Promise<bigint> {
  const codec = codecOf('jobManager')!;
  const topic = codec.getEvent('Credited')!.topicHash as Hex;
  const toHeight = await latestHeight();
  const logs = await ask.logs({
    address: await contractAt('jobManager'),
    topics: [topic, null, wordOf(address)],
    fromHeight: Math.max(0, toHeight - LOG_RANGE),
    toHeight,
  });
  return logs.reduce((sum, { data }) => sum + BigInt(data), 0n);
}

export async function readAccount(address: Hex): Promise<AccountView> {
  const { contracts } = await chainStatus();
  const contract = Object.keys(contracts).find((key) => contracts[key] === address);
  const [balance, nonce, code, logs, person] = await Promise.all([
    ask.balance(address),
    ask.nonce(address),
    ask.code(address),
    contract === undefined ? logsNaming(address) : logsOf(address),
    contract === undefined ? readPerson(address).catch(() => undefined) : undefined,
  ]);
  const isContract = code !== '0x';
  return { balance, nonce, isContract, contract, person, votes: undefined, logs };
}

async function logsOf(address: Hex): Promise<Log[]> {
  const toHeight = await latestHeight();
  const filter = { address, fromHeight: Math.max(0, toHeight - LOG_RANGE), toHeight };
  return (await ask.logs(filter)).slice(-MAX_LOGS).reverse();
}

/** Events that name the account in any of their places. */
async function logsNaming(address: Hex): Promise<Log[]> {
  const word = wordOf(address);
  const toHeight = await latestHeight();
  const range = { fromHeight: Math.max(0, toHeight - LOG_RANGE), toHeight };
  const found = await Promise.all(
    [1, 2, 3].map((place) =>
      ask.logs({ ...range, topics: [...Array.from({ length: place }, () => null), word] }),
    ),
  );
  const once = new Map(found.flat().map((log) => [`${log.transactionHash}.${log.logIndex}`, log]));
  return [...once.values()]
    .sort((a, b) => b.blockNumber - a.blockNumber || b.logIndex - a.logIndex)
    .slice(0, MAX_LOGS);
}
