/** The shapes of a simulated world: its nodes, their parts that outlive a process, and those that do not. */
import type { Consensus, ConsensusMessage, SignatureScheme } from '../../../chain/consensus/index.ts';
import { type Hex, sha256, uintBytes, type Verdict } from '../../../core/index.ts';
import type { ValidatorSet } from '../../../light/index.ts';
import type { Byzantine } from './byzantine.ts';
import { cheapRandom } from './chance.ts';
import type { VirtualClock } from './clock.ts';
import type { SkewedTime } from './clock-skew.ts';
import type { Disk, Life } from './disk.ts';
import type { Judge } from './judge.ts';
import { GENESIS_SECONDS, type Ledger } from './ledger.ts';
import { type Schedule, VALIDATORS } from './schedule.ts';
import type { Trace } from './trace.ts';

/** Bytes on the wire, decoded once; undefined when they are no message. */
export interface Packet {
  bytes: Uint8Array;
  message: ConsensusMessage | undefined;
  /** By receiver: whether the schedule loses this one. */
  heldBack: Map<string, boolean>;
}

export type Handler = (message: ConsensusMessage, from: string) => Promise<Verdict>;
export type RequestHandler = (
  request: Uint8Array,
  from: string,
  signal: AbortSignal,
) => Promise<Uint8Array> | AsyncIterable<Uint8Array>;

export interface Node {
  readonly name: string;
  readonly validator: number;
  readonly address: Hex;
  readonly honest: boolean;
  readonly disk: Disk;
  readonly ledger: Ledger;
  readonly time: SkewedTime;
  /** Its program, if it is Byzantine. */
  byzantine: Byzantine | undefined;
  /** Disk operations until each of its deaths that are still to come. */
  readonly crashes: number[];
  life: Life | undefined;
  consensus: Consensus | undefined;
  handler: Handler | undefined;
  /** Served protocols. */
  handlers: Map<string, RequestHandler>;
  /** Gossip hands each message over once in a life. */
  seen: Set<Packet>;
  /** Ends this life's services in good order. */
  stop: (() => void) | undefined;
}

export interface World {
  readonly schedule: Schedule;
  readonly clock: VirtualClock;
  readonly judge: Judge;
  readonly trace: Trace;
  readonly scheme: SignatureScheme;
  readonly set: ValidatorSet;
  readonly nodes: Node[];
  readonly calmAtMs: number;
  /** By content: gossip knows messages by their bytes. */
  readonly packets: Map<string, Packet>;
}

export const CHAIN_ID = 4242n;
export const START_MS = (GENESIS_SECONDS + 10) * 1000;
export const EPOCH_BLOCKS = 3;
export const secretOf = (validator: number): Uint8Array => {
  const secret = Uint8Array.from(sha256(uintBytes(validator + 1, 4)));
  secret[0] = 1;
  return secret;
};

export const inStorm = (world: World): boolean => world.clock.now() < world.calmAtMs;

/** Delay of one delivery, or undefined when it is lost. */
export function fate(world: World, from: Node, to: Node): number | undefined {
  const { random, dropPercent, maxDelayMs, partitionMs, seed } = world.schedule;
  if (!inStorm(world)) return 5 + random.below(45);
  if (dropPercent > 0 && random.chance(dropPercent, 100)) return undefined;
  if (partitionMs > 0) {
    const window = Math.floor(world.clock.now() / partitionMs);
    const sides = cheapRandom(seed * 1000 + window).below(1 << VALIDATORS);
    if ((((sides >> from.validator) ^ (sides >> to.validator)) & 1) === 1) return undefined;
  }
  return 1 + random.below(maxDelayMs);
}
