/** Work heights as the chain makes them, and the draw as anyone can compute it from the recorded traces. */
import type { Contract, Signer } from 'ethers';
import { fromHex, type Hex } from '../../../core/index.ts';
import { type Drawn, drawWork } from '../../../pouw/index.ts';
import { type Account, call, goTo, height, type World } from './world.ts';

const SYSTEM_ADDRESS: Hex = '0xfffffffffffffffffffffffffffffffffffffffe';

/** Of a work fee: its worker's at settlement, and the proposers'. */
export const shareOf = (weight: bigint): bigint => (weight * 4_500n) / 10_000n;
export const proposersPart = (weight: bigint): bigint => weight / 2n - shareOf(weight);

export const FATE = { Committed: 0n, Drawn: 1n, Opened: 2n, Void: 3n, Faulty: 4n };

export interface TraceRow {
  worker: Hex;
  jobId: bigint;
  round: bigint;
  slot: bigint;
  fate: bigint;
  segments: bigint;
  height: bigint;
  weight: bigint;
  shareBps: bigint;
  upTo: bigint;
  poolUpTo: bigint;
  root: Hex;
}

export interface RankRow {
  traceId: bigint;
  segment: bigint;
  opener: Hex;
  proposer: Hex;
  trace: TraceRow;
}

export interface DrawRow {
  height: bigint;
  totalWeight: bigint;
  pool: bigint;
  settled: boolean;
  ranks: RankRow[];
}

export const drawOf = async (world: World, at: bigint): Promise<DrawRow> => world.work.drawOf!(at);

/** The account that the chain's own calls come from. */
export async function systemAccount({ provider, ethers }: World): Promise<Account> {
  await provider.request({ method: 'hardhat_impersonateAccount', params: [SYSTEM_ADDRESS] });
  await provider.request({
    method: 'hardhat_setBalance',
    params: [SYSTEM_ADDRESS, '0xde0b6b3a7640000'],
  });
  const signer: Signer = await ethers.getSigner(SYSTEM_ADDRESS);
  return { signer, address: SYSTEM_ADDRESS };
}

export async function onBlock(world: World, system: Account, ...opening: unknown[]) {
  const signature =
    opening.length === 0
      ? 'onBlock()'
      : 'onBlock(uint64,uint8,uint256,address,bytes32,uint32,uint256,address)';
  return call(world.work as Contract, system, signature, ...opening);
}

/** Records the beacon before the next work height, so that the next transaction lands in it; that height. */
export async function toWorkHeight(world: World, interval: bigint): Promise<bigint> {
  // The beacon takes a block of its own.
  const at = (((await height(world)) + 1n + interval) / interval) * interval;
  await goTo(world, at - 1n);
  await call(world.beacons, world.outsider, 'record');
  return at;
}

/** Lets the chain call in the next work height; that height. */
export async function passWorkHeight(world: World, system: Account, interval: bigint): Promise<bigint> {
  const at = await toWorkHeight(world, interval);
  await onBlock(world, system);
  return at;
}

/** What a block says of rank `rank`, as the arguments of `onBlock`. */
export const openingOf = (draw: DrawRow, rank: number, opener: Hex): unknown[] => {
  const { segment, trace } = draw.ranks[rank]!;
  return [draw.height, rank, trace.jobId, trace.worker, trace.root, segment, draw.totalWeight, opener];
};

/** The same draw by the client's own code, from the traces from number `first` to before number `end`. */
export async function expectedDraw(
  world: World,
  at: bigint,
  { first, end, ranks }: { first: number; end: number; ranks: number },
): Promise<Drawn[]> {
  const { chainId } = await world.ethers.provider.getNetwork();
  const beacon = fromHex(await world.beacons.beaconAt!(at - 1n), 32);
  const rows: TraceRow[] = [];
  for (let id = first; id < end; id++) rows.push(await world.work.traceOf!(id));
  const traces = rows.map(({ weight, root, segments }) => ({
    weight,
    traceRoot: fromHex(root, 32),
    segments: Number(segments),
  }));
  return drawWork({ chainId, beacon, traces, ranks }).map(({ index, segment }) => ({
    index: index + first,
    segment,
  }));
}
