/** Nodes with production drivers on a simulated network, disks and clock; one run of one schedule. */
import {
  type Consensus,
  type ConsensusMessage,
  createConsensus,
  decodeConsensusMessage,
  encodeConsensusMessage,
  type SignatureScheme,
} from '../../../chain/consensus/index.ts';
import type { Block, ConsensusNetwork } from '../../../chain/types.ts';
import {
  type Clock,
  equalBytes,
  FedaiError,
  sha256,
  silentLog,
  toHex,
  uintBytes,
  type Verdict,
} from '../../../core/index.ts';
import type { ValidatorSet } from '../../../light/index.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { createDisk, type Disk, type Life } from './disk.ts';
import { createJudge, type Judge } from './judge.ts';
import { codec, createLedger, GENESIS_SECONDS, type Ledger } from './ledger.ts';
import { drawSchedule, type Schedule, VALIDATORS } from './schedule.ts';

type Handler = (message: ConsensusMessage, from: string) => Promise<Verdict>;

interface Node {
  name: string;
  validator: number;
  honest: boolean;
  disk: Disk;
  ledger: Ledger;
  crashes: number[];
  life: Life | undefined;
  handler: Handler | undefined;
  consensus: Consensus | undefined;
  catchingUp: boolean;
}

export interface World {
  schedule: Schedule;
  clock: VirtualClock;
  judge: Judge;
  scheme: SignatureScheme;
  set: ValidatorSet;
  nodes: Node[];
  calmAtMs: number;
  rejected: string[];
}

export interface Report {
  heights: number;
  crashes: number;
  evidence: number;
  virtualMs: number;
}

const TIMING = {
  blockTimeMs: 1000,
  proposeTimeoutMs: 2000,
  prevoteTimeoutMs: 1000,
  precommitTimeoutMs: 1000,
  timeoutDeltaMs: 500,
};
const CHAIN_ID = 4242n;
const START_MS = (GENESIS_SECONDS + 10) * 1000;
/** Heights that every honest node must reach once the network is calm, and the time they get for it. */
const HEIGHTS_AFTER_CALM = 2;
const PATIENCE_MS = 180_000;

const secretOf = (validator: number): Uint8Array => {
  const secret = Uint8Array.from(sha256(uintBytes(validator + 1, 4)));
  secret[0] = 1;
  return secret;
};

function createWorld(seed: number, scheme: SignatureScheme): World {
  const schedule = drawSchedule(seed);
  const set = schedule.powers.map((power, index) => ({
    address: toHex(new Uint8Array(20).fill(index + 1)),
    blsPublicKey: scheme.publicKey(secretOf(index)),
    power,
  }));
  const { twinNode, deadNode, crashNode } = schedule;
  const nodeOf = (validator: number, name: string): Node => ({
    name,
    validator,
    honest: validator !== twinNode,
    disk: createDisk(),
    ledger: createLedger(set),
    crashes: validator === crashNode ? [...schedule.crashes] : [],
    life: undefined,
    handler: undefined,
    consensus: undefined,
    catchingUp: false,
  });
  const alive = Array.from({ length: VALIDATORS }, (_, i) => i).filter((i) => i !== deadNode);
  const nodes = alive.map((i) => nodeOf(i, `n${i}`));
  if (twinNode !== null) nodes.push(nodeOf(twinNode, `n${twinNode}'`));
  const clock = createVirtualClock(START_MS);
  const calmAtMs = START_MS + schedule.stormMs;
  return { schedule, clock, judge: createJudge(), scheme, set, nodes, calmAtMs, rejected: [] };
}

/** Delay of one delivery, or undefined when it is lost. */
function fate(world: World, from: Node, to: Node): number | undefined {
  const { random, dropPercent, maxDelayMs, partitionMs, seed } = world.schedule;
  if (world.clock.now() >= world.calmAtMs) return 5 + random.below(45);
  if (random.chance(dropPercent, 100)) return undefined;
  if (partitionMs > 0) {
    const window = Math.floor(world.clock.now() / partitionMs);
    const sides = sha256(uintBytes(window * 65_536 + seed, 8));
    if (((sides[from.validator]! ^ sides[to.validator]!) & 1) === 1) return undefined;
  }
  return 1 + random.below(maxDelayMs);
}

const inStorm = (world: World): boolean => world.clock.now() < world.calmAtMs;

/** Messages that the schedule loses on purpose. */
function isHeldBack(world: World, to: Node, message: ConsensusMessage): boolean {
  const { random, precommitDropPercent, trap } = world.schedule;
  if (!inStorm(world)) return false;
  if (trap !== null && message.round === 0) {
    if (message.kind === 'proposal') return to.validator === trap.blind;
    if (message.validator !== trap.lucky) return false;
    return message.type === 'precommit' || to.validator === trap.blind;
  }
  const isPrecommit = message.kind === 'vote' && message.type === 'precommit';
  return isPrecommit && random.chance(precommitDropPercent, 100);
}

function networkOf(world: World, node: Node, life: Life): ConsensusNetwork<ConsensusMessage> {
  const { random, duplicatePercent } = world.schedule;
  const deliver = (to: Node, bytes: Uint8Array, message: ConsensusMessage) => {
    const delayMs = fate(world, node, to);
    if (isHeldBack(world, to, message)) return;
    if (delayMs === undefined) return;
    world.clock.setTimer(delayMs, () => {
      void to.handler?.(decodeConsensusMessage(bytes), node.name).then((answer) => {
        if (answer.verdict === 'reject') world.rejected.push(`${node.name} to ${to.name}: ${answer.reason}`);
      });
    });
  };
  return {
    broadcast(message) {
      if (!life.alive) return;
      if (node.honest && message.attempt === 0) world.judge.sent(node.name, message);
      const bytes = encodeConsensusMessage(message);
      for (const to of world.nodes) {
        if (to === node) continue;
        deliver(to, bytes, message);
        if (random.chance(duplicatePercent, 100)) deliver(to, bytes, message);
      }
    },
    fetchBlock: (hash, from) => fetchBlock(world, node, hash, from),
    onMessage(handler) {
      node.handler = handler;
    },
  };
}

function fetchBlock(world: World, node: Node, hash: Uint8Array, from?: string): Promise<Block> {
  return new Promise((resolve, reject) => {
    const others = world.nodes.filter((one) => one !== node);
    const peers = [
      ...others.filter((one) => one.name === from),
      ...others.filter((one) => one.name !== from),
    ];
    const delays = peers.map((peer) => fate(world, peer, node));
    world.clock.setTimer(Math.max(...delays.map((delay) => delay ?? 0)), () => {
      for (const [i, peer] of peers.entries()) {
        if (delays[i] === undefined || !peer.life?.alive) continue;
        const decided = peer.ledger.blocks.find(({ block }) => equalBytes(block.header.hash(), hash));
        const block = peer.consensus?.proposedBlock(hash) ?? decided?.block;
        if (block !== undefined) return resolve(block);
      }
      reject(new FedaiError('NOT_FOUND', 'no peer has the block'));
    });
  });
}

const clockOf = (clock: VirtualClock, life: Life): Clock => ({
  now: clock.now,
  setTimer: (delayMs, callback) => clock.setTimer(delayMs, () => life.alive && callback()),
});

async function boot(world: World, node: Node): Promise<void> {
  const { random, downMs } = world.schedule;
  const life: Life = {
    alive: true,
    operationsLeft: node.crashes.shift() ?? Number.POSITIVE_INFINITY,
    lastTakesEffect: random.chance(1, 2),
    onDeath() {
      node.handler = undefined;
      node.consensus = undefined;
      node.catchingUp = false;
      node.disk.loseUnsynced();
      world.clock.setTimer(downMs, () => void boot(world, node));
    },
  };
  node.life = life;
  const consensus = createConsensus({
    chainId: CHAIN_ID,
    timing: TIMING,
    epochBlocks: 3,
    application: node.ledger.application(life, {
      onBuild: (block) => world.judge.built(block),
      onCommit: ({ block }) => node.honest && world.judge.committed(node.name, block),
    }),
    network: networkOf(world, node, life),
    history: node.ledger.history,
    codec,
    storage: node.disk.storage(life),
    secretKey: secretOf(node.validator),
    scheme: world.scheme,
    clock: clockOf(world.clock, life),
    log: silentLog,
  });
  consensus.onBehind((_height, from) => catchUp(world, node, life, from));
  node.consensus = consensus;
  await consensus.start().catch((cause) => {
    if (life.alive) throw cause;
  });
}

/** What sync does: takes decided blocks, one after another, from the peer that seems ahead. */
function catchUp(world: World, node: Node, life: Life, from: string): void {
  const peer = world.nodes.find((one) => one.name === from);
  if (peer === undefined || node.catchingUp) return;
  if (world.schedule.trap !== null && inStorm(world)) return;
  const delayMs = fate(world, peer, node);
  if (delayMs === undefined) return;
  node.catchingUp = true;
  const takeMissing = async () => {
    const missing = peer.ledger.blocks.slice(node.ledger.blocks.length);
    for (const { block, commit } of missing) {
      if (!life.alive) return;
      await node.consensus?.applyDecided(block, commit).catch(() => undefined);
    }
    if (life.alive) node.catchingUp = false;
  };
  world.clock.setTimer(delayMs, () => void takeMissing());
}

/** Runs the schedule of `seed`; throws on a fork, a double signature, a rejected honest message or a standstill. */
export async function runSchedule(seed: number, scheme: SignatureScheme): Promise<Report> {
  const world = createWorld(seed, scheme);
  const { clock, judge, nodes, calmAtMs, schedule } = world;
  const honest = nodes.filter((node) => node.honest);
  await Promise.all(nodes.map((node) => boot(world, node)));
  await clock.run(calmAtMs, () => judge.breach() !== undefined);
  const goal = Math.max(...honest.map((node) => node.ledger.blocks.length)) + HEIGHTS_AFTER_CALM;
  const arrived = () => honest.every((node) => node.ledger.blocks.length >= goal);
  await clock.run(calmAtMs + PATIENCE_MS, () => judge.breach() !== undefined || arrived());
  const heights = honest.map((node) => node.ledger.blocks.length);
  const breach = judge.breach();
  if (breach) throw breach;
  if (!arrived()) {
    const states = nodes.map((node) => ({ name: node.name, ...node.consensus?.status() }));
    throw new FedaiError('STANDSTILL', 'no progress although the network is calm', { goal, heights, states });
  }
  if (world.rejected.length > 0 && schedule.twinNode === null)
    throw new FedaiError('BLAMED', 'an honest message was rejected', { reasons: world.rejected.slice(0, 3) });
  for (const node of nodes) if (node.life) node.life.alive = false;
  return {
    heights: Math.max(...heights),
    crashes: schedule.crashes.length,
    evidence: honest.reduce((sum, node) => sum + node.disk.storage(node.life!).evidence.records().length, 0),
    virtualMs: clock.now() - START_MS,
  };
}
