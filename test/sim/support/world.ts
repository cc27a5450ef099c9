/** Nodes with production drivers on a simulated network, disks and clocks; one run of one schedule. */
import { createConsensus, type SignatureScheme } from '../../../chain/consensus/index.ts';
import { fetchBlock, serveBlock } from '../../../chain/network/block-protocol.ts';
import { createWitnesses, serveSigned } from '../../../chain/network/signed-protocol.ts';
import { createSync } from '../../../chain/sync/index.ts';
import { equalBytes, FedaiError, silentLog, toHex } from '../../../core/index.ts';
import { createByzantine } from './byzantine.ts';
import { createVirtualClock } from './clock.ts';
import { createSkewedTime } from './clock-skew.ts';
import { createDisk, type Life } from './disk.ts';
import { createJudge } from './judge.ts';
import { codec, common, createLedger, encodedOf, genesisHash } from './ledger.ts';
import { publish } from './network.ts';
import { CHAIN_ID, EPOCH_BLOCKS, type Node, START_MS, secretOf, type World } from './node.ts';
import { createSimulatedPeer, type SimulatedPeer } from './peer.ts';
import { drawSchedule, type Ending, VALIDATORS } from './schedule.ts';
import { createTrace } from './trace.ts';

export interface Report {
  seed: number;
  heights: number;
  crashes: number;
  evidence: number;
  virtualMs: number;
  events: number;
  /** Of all that happened, in order. */
  traceHash: string;
}

/** Heights that every honest node must reach once the network is calm, and the time they get for it. */
const HEIGHTS_AFTER_CALM = 2;
const PATIENCE_MS = 180_000;
const INSPECT_EVERY_MS = 1000;
/** Between the inventions of a Byzantine node. */
const ACT_EVERY_MS = 250;

function createWorld(seed: number, scheme: SignatureScheme): World {
  const schedule = drawSchedule(seed);
  const { twinNode, deadNode, byzantine, skews, crashes } = schedule;
  const clock = createVirtualClock(START_MS);
  const calmAtMs = START_MS + schedule.stormMs;
  const set = schedule.powers.map((power, index) => ({
    address: toHex(new Uint8Array(20).fill(index + 1)),
    blsPublicKey: scheme.publicKey(secretOf(index)),
    power,
  }));
  const nodeOf = (validator: number, name: string): Node => ({
    name,
    validator,
    address: set[validator]?.address ?? '0x',
    honest: validator !== twinNode && validator !== byzantine?.node,
    disk: createDisk(),
    ledger: createLedger(set),
    time: createSkewedTime(clock, skews[validator % VALIDATORS]!, { startMs: START_MS, calmAtMs }),
    byzantine: undefined,
    crashes: [...(crashes[validator] ?? [])],
    life: undefined,
    consensus: undefined,
    handler: undefined,
    handlers: new Map(),
    seen: new Set(),
    stop: undefined,
  });
  const alive = Array.from({ length: VALIDATORS }, (_, i) => i).filter((i) => i !== deadNode);
  const nodes = alive.map((i) => nodeOf(i, `n${i}`));
  if (twinNode !== null) nodes.push(nodeOf(twinNode, `n${twinNode}'`));
  if (schedule.followerAtMs !== null) nodes.push(nodeOf(VALIDATORS, 'follower'));
  const world: World = {
    ...{ schedule, clock, scheme, set, nodes, calmAtMs, trace: createTrace(), packets: new Map() },
    judge: createJudge(() => world),
  };
  for (const node of nodes)
    if (node.validator === byzantine?.node) node.byzantine = createByzantine(world, node, byzantine.deeds);
  return world;
}

/** Ends a life; the next one begins after the schedule's downtime. */
function end(world: World, node: Node, life: Life, ending: Ending): void {
  const { random, downMs } = world.schedule;
  if (ending === 'stop') node.stop?.();
  life.alive = false;
  node.handler = undefined;
  node.consensus = undefined;
  node.handlers = new Map();
  node.seen = new Set();
  if (ending === 'power') node.disk.loseUnsynced(random.pick([0, 0, 0.5, 1]));
  world.trace.add(`${world.clock.now()} ${node.name} ends: ${ending}`);
  world.clock.setTimer(downMs, () => void boot(world, node));
}

async function boot(world: World, node: Node): Promise<void> {
  const { random } = world.schedule;
  const ending: Ending = random.chance(1, 2) ? 'power' : 'kill';
  const life: Life = {
    alive: true,
    operationsLeft: node.crashes.shift() ?? Number.POSITIVE_INFINITY,
    lastTakesEffect: random.chance(1, 2),
    onDeath: () => end(world, node, life, ending),
  };
  node.life = life;
  const peer = createSimulatedPeer(world, node, life);
  try {
    const consensus = createNodeConsensus(world, node, life, peer);
    node.consensus = consensus;
    const sync = createSync({
      peer,
      store: node.ledger.store,
      common,
      genesisHash,
      chainPeers: () => namesOfOthers(world, node),
      consensus,
      clock: node.time.clock(life),
      random: () => random.below(1 << 30) / (1 << 30),
      log: silentLog,
    });
    node.stop = () => void Promise.all([consensus.stop(), sync.stop()]);
    await serveSigned(peer, (question) => consensus.answer(question));
    await consensus.start();
    await serveBlock(peer, (hash) => blockOf(node, hash));
    await sync.start();
    if (life.alive) world.judge.started(node);
  } catch (cause) {
    if (life.alive) throw cause;
  }
}

const namesOfOthers = (world: World, node: Node): string[] =>
  world.nodes.filter((one) => one !== node && one.life?.alive).map(({ name }) => name);

function blockOf(node: Node, hash: Uint8Array): Uint8Array | undefined {
  const decided = node.ledger.blocks.find(({ block }) => equalBytes(block.header.hash(), hash));
  const block = node.consensus?.proposedBlock(hash) ?? decided?.block ?? node.byzantine?.block(hash);
  return block && encodedOf(block);
}

function createNodeConsensus(world: World, node: Node, life: Life, peer: SimulatedPeer) {
  const chainPeers = () => namesOfOthers(world, node);
  return createConsensus({
    chainId: CHAIN_ID,
    timing: world.schedule.timing,
    epochBlocks: EPOCH_BLOCKS,
    application: node.ledger.application(life, {
      onBuild: (block) => world.judge.built(block, true),
      onCommit: ({ block, commit }) => world.judge.committed(node, block, commit),
    }),
    network: {
      broadcast(message) {
        if (!life.alive) return;
        if (node.byzantine !== undefined) return node.byzantine.outgoing(message);
        if (message.attempt === 0) world.judge.sent(node, message);
        publish(world, node, message);
      },
      fetchBlock: (hash, from) => fetchBlock(peer, hash, from, { common, log: silentLog, chainPeers }),
      onMessage: (handler) => {
        node.handler = handler;
      },
    },
    history: node.ledger.history,
    codec,
    storage: node.disk.storage(life),
    secretKey: node.validator < VALIDATORS ? secretOf(node.validator) : null,
    scheme: world.scheme,
    // Who asked nobody cannot notice that he signs twice: so the faulty one stays faulty.
    ...(node.honest ? { witnesses: createWitnesses(peer, chainPeers, silentLog) } : {}),
    clock: node.time.clock(life),
    log: silentLog,
    onFault: (cause) => {
      if (life.alive && node.honest) world.judge.fault(node, cause);
    },
  });
}

function every(world: World, delayMs: number, call: () => void): void {
  world.clock.setTimer(delayMs, () => {
    call();
    every(world, delayMs, call);
  });
}

function setTheScene(world: World): void {
  const { clock, nodes, schedule, judge } = world;
  every(world, INSPECT_EVERY_MS, judge.inspect);
  for (const node of nodes) {
    const program = node.byzantine;
    if (program !== undefined) every(world, ACT_EVERY_MS, () => node.life?.alive && program.act());
  }
  for (const { atMs, nodes: struck, ending } of schedule.strikes) {
    clock.setTimer(atMs, () => {
      for (const node of nodes)
        if (struck.includes(node.validator) && node.life?.alive) end(world, node, node.life, ending);
    });
  }
}

/** Runs the schedule of `seed`; throws at the first breach of what the judge watches, and on a standstill. */
export async function runSchedule(seed: number, scheme: SignatureScheme): Promise<Report> {
  const world = createWorld(seed, scheme);
  const { clock, judge, nodes, calmAtMs, schedule, trace } = world;
  const honest = nodes.filter((node) => node.honest);
  const heights = () => honest.map((node) => node.ledger.head.height);
  setTheScene(world);
  const { followerAtMs } = schedule;
  const isFollower = (node: Node) => node.validator === VALIDATORS;
  await Promise.all(nodes.filter((node) => !isFollower(node)).map((node) => boot(world, node)));
  for (const node of nodes.filter(isFollower))
    clock.setTimer(followerAtMs ?? 0, () => void boot(world, node));
  await clock.run(calmAtMs, () => judge.breach() !== undefined);
  const goal = Math.max(...heights()) + HEIGHTS_AFTER_CALM;
  const arrived = () => heights().every((height) => height >= goal);
  await clock.run(calmAtMs + PATIENCE_MS, () => judge.breach() !== undefined || arrived());
  judge.inspect();
  const evidence = judge.weighEvidence();
  const states = nodes.map((node) => ({ name: node.name, ...node.consensus?.status() }));
  for (const node of nodes) if (node.life) node.life.alive = false;
  const breach = judge.breach();
  if (breach) throw breach;
  if (!arrived())
    throw new FedaiError('STANDSTILL', 'no progress although the network is calm', {
      goal,
      heights: heights(),
      states,
    });
  return {
    seed,
    heights: Math.max(...heights()),
    crashes: schedule.crashes.flat().length + schedule.strikes.flatMap((one) => one.nodes).length,
    evidence,
    virtualMs: clock.now() - START_MS,
    events: trace.events,
    traceHash: trace.hash(),
  };
}
