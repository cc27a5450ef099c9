/** Draws of useful work and the traces they covered, newest first, found by the events of committed traces. */
import type { Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { eventsOf } from '../node/events.ts';
import { ask, contractAt, latestHeight, openMarket } from '../node/node.ts';
import type { Block, Draw, Trace } from '../rpc/shapes.ts';

/** Each is a trace of a job's round; the latest are what lists show. */
const MOST_TRACES = 2_000;

/** The work height whose draw covers a trace committed at `height`. */
export const drawHeightOf = (height: number, interval: number, delay: number): number =>
  Math.ceil((height + 1 + delay) / interval) * interval;

export interface Opening {
  height: number;
  rank: number;
}

export interface DrawView {
  draw: Draw;
  /** Blocks that opened a rank of it. */
  openings: Opening[];
}

/** Heights of all draws that had something to draw from. */
async function drawHeights(): Promise<{ heights: number[]; interval: number }> {
  const market = await openMarket();
  const terms = await market.workParameters();
  if (terms === undefined) return { heights: [], interval: 1 };
  const latest = await latestHeight();
  const topic = codecOf('usefulWork')!.getEvent('TraceRecorded')!.topicHash as Hex;
  const { logs } = await eventsOf({ address: await contractAt('usefulWork'), topics: [topic] }, MOST_TRACES);
  const { interval, drawDelay } = terms;
  const heights = new Set(logs.map((log) => drawHeightOf(log.blockNumber, interval, drawDelay)));
  return { heights: [...heights].filter((height) => height <= latest).sort((a, b) => b - a), interval };
}

export async function readDraw(height: number, interval: number): Promise<DrawView | null> {
  const draw = await ask.draw(height);
  if (draw === null) return null;
  const latest = await latestHeight();
  const heights = Array.from({ length: interval }, (_, i) => height + i).filter((one) => one <= latest);
  const blocks = await Promise.all(heights.map((one) => ask.block(one)));
  return { draw, openings: blocks.filter((block) => block !== null).flatMap(openingsIn(height)) };
}

const openingsIn =
  (drawHeight: number) =>
  ({ number, usefulWork: { work } }: Block): Opening[] =>
    work !== null && work.drawHeight === drawHeight ? [{ height: number, rank: work.rank }] : [];

export interface DrawPage {
  draws: DrawView[];
  total: number;
}

export async function readDraws(first: number, count: number): Promise<DrawPage> {
  const { heights, interval } = await drawHeights();
  const draws = await Promise.all(heights.slice(first, first + count).map((at) => readDraw(at, interval)));
  return { draws: draws.filter((draw) => draw !== null), total: heights.length };
}

/** Which segment of each trace was drawn, by trace id; traces that no draw has picked are not in it. */
export async function drawnSegments(traces: readonly Trace[]): Promise<Map<bigint, number>> {
  const terms = await (await openMarket()).workParameters();
  if (terms === undefined) return new Map();
  const { interval, drawDelay } = terms;
  const picked = traces.filter(({ fate }) => fate !== 'committed');
  const heights = new Set(picked.map(({ height }) => drawHeightOf(height, interval, drawDelay)));
  const draws = await Promise.all([...heights].map((height) => ask.draw(height)));
  const ranks = draws.flatMap((draw) => draw?.ranks ?? []);
  return new Map(ranks.map(({ trace, segment }) => [trace.id, segment]));
}

export async function readDrawAt(height: number): Promise<DrawView | null> {
  const terms = await (await openMarket()).workParameters();
  return terms === undefined ? null : readDraw(height, terms.interval);
}
