/**
 * What the explorer is shown over when no network is given: one chain in this process with a job from posting to payout,
 * trained for real, its drawn segments executed again by a validator's own desk and carried in blocks. Deterministic and
 * there in seconds; only consensus and the daemons are left out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRpcServer } from '../../chain/index.ts';
import { createWorkDesk, type WorkDesk } from '../../chain/work/index.ts';
import { readOpenings } from '../../chain/work/openings.ts';
import { DEMO_LICENCE, demoDigits } from '../../cli/demo/index.ts';
import { EXPLORER_PAGES } from '../../cli/explorer/pages.ts';
import { fromHex, sha256, silentLog, toHex, type Verdict } from '../../core/index.ts';
import {
  createEngine,
  type Engine,
  encodeModel,
  encodeState,
  stateRoots,
  type TrainState,
} from '../../engine/index.ts';
import {
  closeRound,
  demoModel,
  demoRecipe,
  encodeJob,
  encodeManifest,
  type Job,
  type JobDocument,
  parseJob,
  scoreModel,
  segmentPlan,
  startingState,
} from '../../job/index.ts';
import { jobPostOf, roundClaimDigest, signDigest, verdicts } from '../../market/index.ts';
import { createPeerScores } from '../../net/index.ts';
import { encodeBundle, segmentBatches, signAnnouncement, statePath, traceClaim } from '../../pouw/index.ts';
import {
  type ContentStore,
  createMemoryStore,
  type Dataset,
  importDataset,
  openDataset,
} from '../../storage/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { joinAll, judge, mineTo, settledTestKey, WORKERS } from '../support/settledJob.ts';
import { memoryIntake } from './memoryIntake.ts';
import { mineOn } from './mining.ts';
import type { ShownNetwork } from './network.ts';

const ROUNDS = 2;
const STEPS = 12;
const SEGMENTS = 3;
const TRAIN_DIGITS = 600;
const TEST_DIGITS = 120;
/** Blocks from draw to draw: more than a draw has ranks, so that each can be opened. */
const WORK_INTERVAL = 8;
/** Once the job is over; as a network's. */
const BLOCK_MS = 1_000;
const CLIENT = 1;

type Digits = Awaited<ReturnType<typeof demoDigits>>;

const first = ({ inputs, labels, ...rest }: Digits, count: number): Digits => ({
  ...rest,
  inputs: inputs.slice(0, count * 784),
  labels: labels.slice(0, count),
});

interface Share {
  round: number;
  slot: number;
  states: TrainState[];
  roots: Uint8Array[];
  lossQ16: number;
}

interface World {
  network: MarketChain;
  content: ContentStore;
  engine: Engine;
  job: Job;
  dataset: Dataset;
  jobId: bigint;
  seed: Uint8Array;
  /** By trace id, in the order in which they were committed. */
  shares: Share[];
  hear: (bytes: Uint8Array, from: string) => Promise<Verdict>;
}

export async function startShownChain(): Promise<ShownNetwork> {
  const content = await createMemoryStore();
  let desk: WorkDesk | undefined;
  const network = await startMarketChain({
    workInterval: WORK_INTERVAL,
    content: (cid) => content.rawBlock(cid, { offline: true }),
    carry: async () => (await desk?.choose()) ?? { work: null, verdict: null },
  });
  const { application } = network.chain;
  let hear: World['hear'] = async () => ({ verdict: 'accept' });
  const gossip = {
    subscribe: (_topic: string, handler: typeof hear) => {
      hear = handler;
    },
    unsubscribe: () => undefined,
    publish: async () => undefined,
  };
  const peer = { content, scores: createPeerScores(), gossip } as unknown as Parameters<
    typeof createWorkDesk
  >[0]['peer'];
  desk = createWorkDesk({ application, peer, log: silentLog });
  await desk.start();
  const running = desk;
  await settleDemoJob(network, content, (bytes, from) => hear(bytes, from));
  const left = await memoryIntake();
  const rpc = createRpcServer({
    application,
    explorer: EXPLORER_PAGES,
    content: async (cid) => (await content.rawBlock(cid, { offline: true })) ?? left.block(cid),
    intake: left.intake,
    status: () => ({
      finalityMs: [640, 655, 702, 690, 661],
      peers: 0,
      validator: true,
      acceptsContent: left.intake.offer,
    }),
    log: silentLog,
    port: 0,
  });
  await rpc.start();
  const stopMining = mineOn(network.chain, BLOCK_MS);
  return {
    rpc: rpc.url,
    chain: network,
    async stop() {
      await stopMining();
      await rpc.stop();
      await running.stop();
      await network.stop();
    },
  };
}

async function settleDemoJob(
  network: MarketChain,
  content: ContentStore,
  hear: World['hear'],
): Promise<void> {
  await joinAll(network);
  const client = network.marketOf(CLIENT);
  const train = first(await demoDigits('train'), TRAIN_DIGITS);
  const test = first(await demoDigits('test'), TEST_DIGITS);
  const about = { name: 'demo digits', licence: DEMO_LICENCE };
  const trainSet = await importDataset(content, { kind: 'records', ...train }, about);
  const testSet = await importDataset(
    content,
    { kind: 'records', ...test },
    { ...about, encryptKey: settledTestKey },
  );
  const document = documentOf(trainSet.manifestCid, testSet.manifestCid);
  const documentCid = await content.putBytes(encodeJob(document));
  const testRoot = toHex(testSet.plaintextRoot);
  const testKeyCommitment = toHex(sha256(settledTestKey));
  const post = jobPostOf({ document, documentCid, testRoot, testKeyCommitment, provable: true });
  const jobId = await client.postJob(post, BigInt(document.reward));
  for (const index of WORKERS) await network.marketOf(index).assignWorker(jobId);
  await mineTo(network, (await client.job(jobId)).drawHeight + 1);
  await client.closeAssignment(jobId);
  const world: World = {
    ...{ network, content, jobId, hear, shares: [] },
    engine: await createEngine(),
    job: parseJob(document),
    dataset: await openDataset(content, trainSet.manifestCid),
    seed: fromHex((await client.job(jobId)).seed, 32),
  };
  const state = await trainAll(world);
  await openDraws(world);
  const { job, engine } = world;
  const roots = stateRoots(job.model, state);
  const modelCid = await content.putBytes(encodeModel(job.model, state.weights));
  const weightsRoot = toHex(roots.weightsRoot);
  const result = {
    weightsRoot,
    optimiserRoot: toHex(roots.optimiserRoot),
    counter: BigInt(state.counter),
    modelCid,
  };
  await network.marketOf(3).submitResult(jobId, { ...result, claimedPpm: 0 });
  const { correct, total, outputsRoot } = scoreModel(engine, job.model, state.weights, test);
  const verdict = verdicts.indexOf('Score');
  const score = { correct, total, outputsRoot: toHex(outputsRoot), modelHash: weightsRoot, verdict };
  await judge(network, client, jobId, score);
}

async function trainAll({
  network,
  content,
  engine,
  job,
  dataset,
  jobId,
  seed,
  shares,
}: World): Promise<TrainState> {
  const client = network.marketOf(CLIENT);
  const workers = await client.workersOf(jobId);
  const accounts = workers.map(
    (account) => WORKERS.find((one) => network.marketOf(one).account === account)!,
  );
  const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
  let state = startingState(engine, job, { seed, jobId });
  for (let round = 0; round < ROUNDS; round++) {
    const now = [];
    for (let slot = 0; slot < workers.length; slot++)
      now.push(await trainShare({ engine, job, dataset, jobId, seed }, { round, slot }, state));
    const closed = closeRound(now.map(({ states, lossQ16 }) => ({ state: states.at(-1)!, lossQ16 })));
    state = closed.state;
    const stateRoot = toHex(stateRoots(job.model, state).stateRoot);
    const stateCid = await content.putBytes(encodeState(state));
    const claim = { stateRoot, stateCid, contributors: 7n, loss: BigInt(closed.lossQ16) };
    const digest = roundClaimDigest(domain, jobId, round, claim);
    const signatures = accounts.map((index) => signDigest(network.privateKeyOf(index), digest));
    await network.marketOf(accounts[0]!).commitRound(jobId, round, claim, signatures);
    for (const share of now) {
      await network.marketOf(accounts[share.slot]!).commitTrace(jobId, round, claimOf(share.roots));
      shares.push(share);
    }
  }
  return state;
}

function claimOf(roots: readonly Uint8Array[]) {
  const { traceRoot, startRoot, startPath, endRoot, endPath } = traceClaim(roots);
  return {
    ...{ traceRoot: toHex(traceRoot), startRoot: toHex(startRoot), startPath: startPath.map(toHex) },
    ...{ endRoot: toHex(endRoot), endPath: endPath.map(toHex) },
  };
}

type Training = Pick<World, 'engine' | 'job' | 'dataset' | 'jobId' | 'seed'>;

async function trainShare(
  { engine, job, dataset, jobId, seed }: Training,
  { round, slot }: Pick<Share, 'round' | 'slot'>,
  agreed: TrainState,
): Promise<Share> {
  const trainer = engine.trainer(job.model, job.recipe, agreed);
  const states = [agreed];
  const losses: number[] = [];
  for (let segment = 0; segment < segmentPlan(job).segments; segment++) {
    for (const indices of segmentBatches(job, { jobId, seed, round, slot, segment }, dataset.count))
      losses.push(trainer.step(await dataset.read(indices)));
    states.push(trainer.export());
  }
  const roots = states.map((state) => stateRoots(job.model, state).stateRoot);
  const lossQ16 = Math.floor(losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
  return { round, slot, states, roots, lossQ16 };
}

/** Every rank of every draw is opened by the worker of its trace, until all that can be drawn has been. */
async function openDraws(world: World): Promise<void> {
  const { network, content, shares, hear } = world;
  const { application } = network.chain;
  const { clearAt } = (await network.marketOf().job(world.jobId)).accrued;
  while (application.head.height < clearAt) {
    const [opening] = await readOpenings(application);
    if (opening !== undefined) {
      const share = shares[Number(opening.traceId)]!;
      const bundle = await content.putBytes(await bundleOf(world, share, opening.claim.segment));
      const { drawHeight, rank, worker } = opening;
      const account = toHex(worker);
      const index = network.chain.accounts.findIndex(({ address }) => address.toLowerCase() === account);
      const said = { format: 'fedai-work/2', drawHeight, rank, bundle, attempt: 0 } as const;
      const key = network.privateKeyOf(index);
      const heard = await hear(signAnnouncement(BigInt(application.spec.chainId), said, key), 'worker');
      if (heard.verdict !== 'accept') throw new RangeError(`an opening was not proven: ${heard.reason}`);
    }
    await network.chain.mine();
    // What is due at the new head is looked up beside.
    await sleep(5);
  }
}

async function bundleOf(
  { job, dataset, jobId, seed }: World,
  { round, slot, states, roots }: Share,
  segment: number,
): Promise<Uint8Array> {
  const batches = segmentBatches(job, { jobId, seed, round, slot, segment }, dataset.count);
  const indices = batches.flatMap((batch) => [...batch]);
  return encodeBundle({
    document: encodeJob(job.document),
    manifest: encodeManifest(dataset.manifest),
    startState: encodeState(states[segment]!),
    startPath: statePath(roots, segment),
    endRoot: roots[segment + 1]!,
    endPath: statePath(roots, segment + 1),
    firstPath: round === 0 ? statePath(roots, 0) : [],
    records: await dataset.prove([...new Set(indices)].sort((a, b) => a - b)),
  });
}

function documentOf(train: string, test: string): JobDocument {
  const blocks = 90;
  return {
    format: 'fedai-job/1',
    name: 'demo digits',
    model: demoModel,
    recipe: demoRecipe,
    data: { train: { manifest: train, encrypted: false }, test: { manifest: test, encrypted: true } },
    training: {
      mode: 'federated',
      rounds: ROUNDS,
      stepsPerRound: STEPS,
      workers: WORKERS.length,
      segments: SEGMENTS,
    },
    evaluators: 3,
    targetScorePpm: 0,
    minimumBands: 0,
    roundTimeoutMs: 10_000,
    deadlines: {
      volunteerBlocks: 4,
      roundBlocks: blocks,
      resultBlocks: blocks,
      keyBlocks: blocks,
      commitBlocks: blocks,
      revealBlocks: blocks,
    },
    reward: (50n * TRAIN + 3n).toString(),
    workerStake: (36n * TRAIN).toString(),
  };
}
