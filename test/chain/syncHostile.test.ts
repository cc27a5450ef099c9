/** Catch-up against peers of every kind of malice, in virtual time, while the honest chain goes on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Libp2p, Stream } from '@libp2p/interface';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decodeBlock, encodeBlock } from '../../chain/block.ts';
import {
  type ConsensusMessage,
  createConsensus,
  createConsensusStorage,
} from '../../chain/consensus/index.ts';
import { blsScheme } from '../../chain/consensus/scheme.ts';
import { type ChainApplication, type ChainSpec, createApplication } from '../../chain/index.ts';
import { BLOCKS_PROTOCOL, STATUS_PROTOCOL } from '../../chain/network/topics.ts';
import { createSync } from '../../chain/sync/index.ts';
import { decodeRange, encodeFinalBlock, encodeStatus } from '../../chain/sync/messages.ts';
import { serveSync } from '../../chain/sync/serve.ts';
import { seededRandom, silentLog, sleep, utf8, type Verdict } from '../../core/index.ts';
import { createPeerScores, createRequests, peerIdOf, type Requests } from '../../net/index.ts';
import { createVirtualClock, type VirtualClock } from '../sim/support/clock.ts';
import { createPipeHosts } from '../support/pipeHosts.ts';
import { decideOne, soloSecret } from '../support/soloChain.ts';
import { testSpec } from './network-spec.ts';

/** More than one range, so that two peers are asked at once. */
const BLOCKS = 36;
/** Of virtual time; a block comes every two seconds. */
const STEP_MS = 250;
const MAX_STEPS = 4_000;
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
let directory: string;
let spec: ChainSpec;
let honest: ChainApplication;
/** Same key and chain id, another genesis. */
let foreign: ChainApplication;
let honestId: string;
let followerId: string;
let liarIds: string[];

const specOf = (genesisTimeMs: number): ChainSpec => ({
  ...testSpec([{ secretKey: soloSecret, address: `0x${'a1'.repeat(20)}` }], []),
  genesisTimeMs,
});
async function chainOf(name: string, of: ChainSpec, blocks: number): Promise<ChainApplication> {
  const chain = await createApplication({ spec: of, directory: join(directory, name) });
  for (let made = 0; made < blocks; made++) await decideOne(chain);
  return chain;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-hostile-'));
  spec = specOf(1_750_000_000_000);
  honest = await chainOf('honest', spec, BLOCKS);
  foreign = await chainOf('foreign', specOf(1_750_000_001_000), BLOCKS);
  const bytes = Array.from({ length: LIES.length + 2 }, (_, index) => index + 1);
  const ids = await Promise.all(bytes.map((byte) => peerIdOf(new Uint8Array(32).fill(byte))));
  [honestId, followerId, ...liarIds] = ids as [string, string, ...string[]];
});
afterAll(async () => {
  await Promise.all([honest.close(), foreign.close()]);
  await rm(directory, { recursive: true, force: true });
});

const statusOf = ({ store }: ChainApplication) => ({
  genesisHash: store.block(0)!.header.hash(),
  height: store.height,
  headHash: store.block(store.height)!.header.hash(),
  commit: store.commit(store.height) ?? null,
});
const frameOf = ({ store }: ChainApplication, height: number, commitOf = height): Uint8Array[] =>
  store.height < height || store.commit(commitOf) === undefined
    ? []
    : [encodeFinalBlock(store.encodedBlock(height)!, store.commit(commitOf)!)];
const heightsOf = (request: Uint8Array): number[] => {
  const { from, count } = decodeRange(request);
  return Array.from({ length: count }, (_, i) => from + i);
};

interface Liar {
  host: Libp2p;
  requests: Requests;
  clock: VirtualClock;
  /** Says to the follower's consensus what gossip would bring. */
  say(message: ConsensusMessage): void;
}

/** Answers each request for blocks with what `frames` makes of it, well framed. */
const answers = (frames: (heights: number[]) => Uint8Array[]) => (liar: Liar) =>
  liar.requests.handle(BLOCKS_PROTOCOL, async function* (request) {
    yield* frames(heightsOf(request));
  });
/** Answers with bytes of its own, frames or not. */
const writes = (write: (stream: Stream, liar: Liar) => unknown) => (liar: Liar) =>
  liar.host.handle(BLOCKS_PROTOCOL, (stream) => void write(stream, liar));

async function drip(stream: Stream, { clock }: Liar): Promise<void> {
  stream.send(Uint8Array.of(0, 0, 0, 4, 0));
  while (stream.status === 'open') {
    await sleep(1_000, undefined, clock);
    stream.send(Uint8Array.of(7));
  }
}

type Lie = [what: string, blamedFor: RegExp, tell: (liar: Liar) => Promise<void>];

const LIES: Lie[] = [
  [
    'blocks of another chain',
    /parent/,
    answers((heights) => heights.flatMap((one) => frameOf(foreign, one))),
  ],
  [
    'blocks after those asked for',
    /other blocks/,
    answers(([first]) => frameOf(honest, first! < honest.store.height ? first! + 1 : 1)),
  ],
  ['blocks before those asked for', /other blocks/, answers(() => frameOf(honest, 1))],
  [
    'more blocks than asked for',
    /other blocks/,
    answers((heights) => [...heights, 1].flatMap((one) => frameOf(honest, one))),
  ],
  [
    'a block with the commit of another',
    /commit/,
    answers((heights) => heights.flatMap((one) => frameOf(honest, one, one - 1 || 2))),
  ],
  [
    'a block with other transactions',
    /transactionsTrie|transactions/i,
    answers(([first]) => {
      const block = decodeBlock(honest.store.encodedBlock(first!)!, honest.common);
      const spoilt = encodeBlock({ ...block, transactions: [utf8('nonsense')] });
      return [encodeFinalBlock(spoilt, honest.store.commit(first!)!)];
    }),
  ],
  [
    'half a block',
    /malformed blocks/,
    answers(([first]) => frameOf(honest, first!).map((frame) => frame.subarray(0, frame.length >> 1))),
  ],
  [
    'a frame that breaks off',
    /breaks off/,
    writes((stream) => {
      stream.send(Uint8Array.of(0, 0, 0, 4, 0, 7));
      return stream.close();
    }),
  ],
  [
    'a frame larger than the limit',
    /exceeds the agreed size/,
    writes((stream) => stream.send(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff))),
  ],
  ['an unknown status', /unknown status/, writes((stream) => stream.send(Uint8Array.of(9)))],
  ['a byte a second', /not come in time/, writes(drip)],
  [
    'a height that it never delivers',
    /does not hand out/,
    async (liar) => {
      await answers(() => [])(liar);
      const vote = { validator: 0, blockHash: null, signature: new Uint8Array(96), attempt: 0 };
      liar.say({ kind: 'vote', type: 'prevote', height: 1_000_000, round: 0, ...vote });
    },
  ],
];

/** Consensus of a node without a key, and the way to tell it what gossip would bring. */
function createObserver(application: ChainApplication, name: string, clock: VirtualClock) {
  const { store, common } = application;
  let hear: (message: ConsensusMessage, from: string) => Promise<Verdict>;
  const consensus = createConsensus({
    chainId: BigInt(spec.chainId),
    timing: spec.consensus,
    epochBlocks: spec.epochBlocks,
    application,
    network: {
      broadcast: () => {},
      fetchBlock: () => Promise.reject(new TypeError('nobody proposes')),
      onMessage: (handler) => {
        hear = handler;
      },
    },
    history: {
      beaconAt: async (height) => store.block(height)!.header.mixHash,
      commitAt: async (height) => store.commit(height) ?? null,
    },
    codec: { encode: encodeBlock, decode: (bytes) => decodeBlock(bytes, common) },
    storage: createConsensusStorage(join(directory, name, 'consensus')),
    secretKey: null,
    scheme: blsScheme,
    clock,
    log: silentLog,
  });
  return { consensus, hear: (message: ConsensusMessage, from: string) => hear(message, from) };
}

/** A follower in virtual time that knows the liars and one honest peer. */
async function startFollower(name: string, lies: readonly Lie[]) {
  const clock = createVirtualClock(1_800_000_000_000);
  const hosts = createPipeHosts();
  const scores = createPeerScores(clock);
  const blamed: { peer: string; reason: string }[] = [];
  const counted = {
    ...scores,
    penalise(peer: string, points: number, reason: string) {
      blamed.push({ peer, reason });
      scores.penalise(peer, points, reason);
    },
  };
  const requestsOf = (id: string, of = createPeerScores(clock)) =>
    createRequests(hosts.host(id), of, silentLog, undefined, clock);
  const application = await createApplication({ spec, directory: join(directory, name, 'chain') });
  const { store, common } = application;
  const { consensus, hear } = createObserver(application, name, clock);
  const busy = { calls: 0 };
  const starts = new Set<number>();
  const calm = async () => {
    for (let turns = 0; turns < 3; turns = busy.calls === 0 ? turns + 1 : 0)
      await new Promise((resolve) => setImmediate(resolve));
  };
  const random = seededRandom(utf8(name));
  const sync = createSync({
    peer: { requests: requestsOf(followerId, counted), scores: counted },
    store,
    common,
    genesisHash: store.block(0)!.header.hash(),
    chainPeers: () => [...liarIds.slice(0, lies.length), honestId].filter((id) => !scores.isBanned(id)),
    consensus: {
      applyDecided(block, commit) {
        if (sync.isSyncing()) starts.add(sync.startingHeight());
        return during(busy, consensus.applyDecided(block, commit));
      },
      provesHead: (height, hash, commit) => during(busy, consensus.provesHead(height, hash, commit)),
      onBehind: (handler) => consensus.onBehind(handler),
    },
    clock,
    random: () => random.below(2 ** 20) / 2 ** 20,
    log: silentLog,
  });
  await serveSync({ requests: requestsOf(honestId) }, honest.store, () => statusOf(honest));
  for (const [index, [, , tell]] of lies.entries()) {
    const id = liarIds[index]!;
    const liar: Liar = {
      ...{ host: hosts.host(id), requests: requestsOf(id), clock },
      say: (message) => void hear(message, id),
    };
    await liar.requests.handle(STATUS_PROTOCOL, async () => encodeStatus(statusOf(honest)));
    await tell(liar);
  }
  await consensus.start();
  await sync.start();
  return {
    ...{ application, starts, scores, blamed },
    /** Lets time pass; it stands still while blocks are applied. */
    async pass(ms: number) {
      const untilMs = clock.now() + ms;
      do {
        await clock.run(untilMs, () => busy.calls > 0);
        await calm();
      } while (clock.now() < untilMs);
    },
    async stop() {
      await sync.stop();
      await consensus.stop();
      await application.close();
    },
  };
}

async function during<T>(busy: { calls: number }, work: Promise<T>): Promise<T> {
  busy.calls++;
  try {
    return await work;
  } finally {
    busy.calls--;
  }
}

test('every lie costs its teller, and the honest peer brings the chain, which goes on', async () => {
  const follower = await startFollower('lied to', LIES);
  const { application, scores, blamed } = follower;
  const reasonsOf = (id: string) => blamed.filter(({ peer }) => peer === id).map((one) => one.reason);
  const isDone = () =>
    LIES.every(([, blamedFor], index) => blamedFor.test(reasonsOf(liarIds[index]!).join()));
  for (let step = 0; !isDone() || application.head.height < honest.head.height; step++) {
    expect(step, `height ${application.head.height}; ${JSON.stringify(blamed)}`).toBeLessThan(MAX_STEPS);
    if (step % 8 === 0 && !isDone()) await Promise.all([decideOne(honest), decideOne(foreign)]);
    await follower.pass(STEP_MS);
  }
  expect(application.head.hash).toEqual(honest.head.hash);
  expect(application.headHeader.stateRoot).toEqual(honest.headHeader.stateRoot);
  expect(reasonsOf(honestId)).toEqual([]);
  for (const [index, [what, blamedFor]] of LIES.entries()) {
    const id = liarIds[index]!;
    expect(reasonsOf(id).join(), what).toMatch(blamedFor);
    expect(scores.score(id), what).toBeLessThan(0);
  }
  console.info(`${LIES.length} liars blamed by height ${honest.head.height}`);
  await follower.stop();
});

test('a catch-up tells where it began, each anew', async () => {
  const follower = await startFollower('restarting', []);
  const reach = async () => {
    while (follower.application.head.height < honest.head.height) await follower.pass(STEP_MS);
  };
  await reach();
  const first = honest.head.height;
  for (let made = 0; made < 3; made++) await decideOne(honest);
  await reach();
  expect([...follower.starts]).toEqual([0, first]);
  await follower.stop();
});
