/** A completed job with a real model and real data, driven through the typed client by hand: quicker than daemons and as true to the chain. */
import { fromHex, type Hex, sha256, silentLog, toHex, utf8 } from '../../core/index.ts';
import { createEngine, encodeModel, stateRoots } from '../../engine/index.ts';
import {
  allContributors,
  arrayData,
  encodeJob,
  type JobDocument,
  parseJob,
  replayJob,
  scoreModel,
  startingState,
} from '../../job/index.ts';
import {
  EVALUATOR_ROLE,
  enrol,
  jobPostOf,
  type Market,
  roundClaimDigest,
  scoreCommitment,
  scoreDigest,
  signDigest,
  verdicts,
  WORKER_ROLE,
} from '../../market/index.ts';
import { type ContentStore, createMemoryStore, importDataset } from '../../storage/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from './marketChain.ts';
import { toyModel, toyRecipe, toyRecords } from './toy.ts';
import { oneSegment } from './traceClaim.ts';

export interface SettledJob {
  network: MarketChain;
  content: ContentStore;
  jobId: bigint;
  document: JobDocument;
}

export const settledTestKey = sha256(utf8('settled test key'));
/** Accounts of the chain. */
export const WORKERS = [2, 3, 4];
export const EVALUATORS = [5, 6, 7, 8];

export async function settleToyJob(): Promise<SettledJob> {
  const content = await createMemoryStore();
  const network = await startMarketChain({ content: (cid) => content.rawBlock(cid, { offline: true }) });
  const client = network.marketOf(1);
  await joinAll(network);
  const { document, train, test, testRoot } = await makeDocument(content);
  const cid = await content.putBytes(encodeJob(document));
  const jobId = await client.postJob(
    jobPostOf({
      ...{ document, documentCid: cid, testRoot },
      testKeyCommitment: toHex(sha256(settledTestKey)),
      // Nobody opens what is drawn of it, so that some of its traces are lost.
      provable: true,
    }),
    BigInt(document.reward),
  );
  for (const index of WORKERS) await network.marketOf(index).assignWorker(jobId);
  await mineTo(network, (await client.job(jobId)).drawHeight + 1);
  await client.closeAssignment(jobId);
  const { seed } = await client.job(jobId);
  const engine = await createEngine({ kernel: 'reference' });
  const job = parseJob(document);
  const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
  const jobSeed = { seed: fromHex(seed, 32), jobId };
  let agreedRoot = toHex(stateRoots(job.model, startingState(engine, job, jobSeed)).stateRoot);
  const state = await replayJob({
    engine,
    job,
    data: arrayData(train.inputs, train.labels),
    seed: jobSeed,
    contributors: allContributors(job),
    async onRound({ round, state: reached, lossQ16 }) {
      const stateRoot = toHex(stateRoots(job.model, reached).stateRoot);
      const claim = { stateRoot, stateCid: `state${round}`, contributors: 7n, loss: BigInt(lossQ16) };
      const digest = roundClaimDigest(domain, jobId, round, claim);
      const signatures = WORKERS.map((index) => signDigest(network.privateKeyOf(index), digest));
      await network.marketOf(2).commitRound(jobId, round, claim, signatures);
      // Each says that its own share ended where the mean is.
      for (const index of WORKERS)
        await network.marketOf(index).commitTrace(jobId, round, oneSegment(agreedRoot, stateRoot));
      agreedRoot = stateRoot;
    },
  });
  const roots = stateRoots(job.model, state);
  const modelCid = await content.putBytes(encodeModel(job.model, state.weights));
  const weightsRoot = toHex(roots.weightsRoot);
  const optimiserRoot = toHex(roots.optimiserRoot);
  const result = { weightsRoot, optimiserRoot, counter: BigInt(state.counter), modelCid, claimedPpm: 0 };
  await network.marketOf(3).submitResult(jobId, result);
  const { correct, total, outputsRoot } = scoreModel(engine, job.model, state.weights, test);
  const verdict = verdicts.indexOf('Score');
  const score = { correct, total, outputsRoot: toHex(outputsRoot), modelHash: weightsRoot, verdict };
  await judge(network, client, jobId, score);
  return { network, content, jobId, document };
}

export async function joinAll(network: MarketChain): Promise<void> {
  for (const index of [...WORKERS, ...EVALUATORS]) {
    const market = network.marketOf(index);
    const key = sha256(utf8(market.account!));
    const roles = WORKERS.includes(index) ? WORKER_ROLE : EVALUATOR_ROLE;
    await enrol(market, { roles, bands: 0, readerKey: key, peerId: key, stake: 60n * TRAIN }, silentLog);
  }
}

export async function mineTo(network: MarketChain, height: number): Promise<void> {
  const head = network.chain.application.head.height;
  if (height > head) await network.chain.mine(height - head);
}

async function makeDocument(content: ContentStore) {
  const train = toyRecords(96, 'train');
  const test = toyRecords(40, 'test');
  const about = { name: 'toy', licence: 'CC0-1.0' };
  const trainSet = await importDataset(content, train, about);
  const testSet = await importDataset(content, test, { ...about, encryptKey: settledTestKey });
  const step = 60;
  const document: JobDocument = {
    format: 'fedai-job/1',
    name: 'toy',
    model: toyModel,
    recipe: toyRecipe,
    data: {
      train: { manifest: trainSet.manifestCid, encrypted: false },
      test: { manifest: testSet.manifestCid, encrypted: true },
    },
    training: { mode: 'federated', rounds: 2, stepsPerRound: 2, workers: 3 },
    evaluators: 3,
    targetScorePpm: 0,
    minimumBands: 0,
    roundTimeoutMs: 10_000,
    deadlines: {
      volunteerBlocks: 4,
      roundBlocks: step,
      resultBlocks: step,
      keyBlocks: step,
      commitBlocks: step,
      revealBlocks: step,
    },
    reward: (50n * TRAIN + 3n).toString(),
    workerStake: (36n * TRAIN).toString(),
  };
  return { document, train, test, testRoot: toHex(testSet.plaintextRoot) };
}

/** Draws the evaluators, who all find the same score, and settles the job. */
export async function judge(
  network: MarketChain,
  client: Market,
  jobId: bigint,
  score: Parameters<typeof scoreDigest>[2],
): Promise<void> {
  await mineTo(network, (await client.job(jobId)).drawHeight + 1);
  await client.drawEvaluators(jobId);
  const drawn = await client.evaluatorsOf(jobId);
  const judges = EVALUATORS.map((index) => ({ index, market: network.marketOf(index) })).filter(
    ({ market }) => drawn.includes(market.account as Hex),
  );
  const salt = toHex(sha256(utf8('salt')));
  const domain = { chainId: await client.chainId(), jobManager: client.contracts.jobManager };
  for (const account of drawn) await client.deliverTestKey(jobId, account, '0x12');
  for (const { market } of judges)
    await market.commitScore(jobId, scoreCommitment(jobId, market.account!, score, salt));
  for (const { market, index } of judges) {
    const signature = signDigest(network.privateKeyOf(index), scoreDigest(domain, jobId, score));
    await market.revealScore(jobId, score, salt, signature);
  }
  await client.publishTestKey(jobId, toHex(settledTestKey));
  await mineTo(network, (await client.job(jobId)).accrued.clearAt);
  await client.completeJob(jobId);
}
