/**
 * Two evaluators audit two traces on a real chain, over real hosts: they agree on the honest one, and find in the other the
 * segment that was not trained, bring it to court and see its worker found guilty by a validator's replay.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDesk, type WorkDesk } from '../../chain/work/index.ts';
import { fromHex, type Hex, type Service, sha256, silentLog, sleep, toHex, utf8 } from '../../core/index.ts';
import { deriveKeys, generateMnemonic, type KeySet } from '../../core/keys/index.ts';
import { encodeState } from '../../engine/index.ts';
import { createEvaluator, type EvaluatorEvent } from '../../evaluator/index.ts';
import { encodeJob } from '../../job/index.ts';
import type { Carried } from '../../light/index.ts';
import { enrol, jobPostOf, type Market, type TraceClaim, WORKER_ROLE } from '../../market/index.ts';
import { encodeBundle, signAnnouncement, statePath, traceClaim, workTopic } from '../../pouw/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { LIMITS, lazySegment, type Share, toyJob, trainedShare } from '../pouw/job.ts';
import { until } from '../storage/until.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { testAccount } from '../support/soloChain.ts';

/** Each transaction makes a block; one comes by itself this often, far slower than the steps of an audit. */
const IDLE_BLOCK_MS = 4_000;
const SEGMENTS = [0, 1, 2, 3];
/** Of slot 1: was not trained. */
const LAZY_SEGMENT = 1;
const WORKERS = [2, 3];

let directory: string;
let network: MarketChain;
let client: Market;
let desk: WorkDesk | undefined;
let judges: KeySet[];
/** Accounts' indices by slot, which is the number of the trace. */
let slots: number[];
const peers: Peer[] = [];
const evaluators: Service[] = [];
const events: (EvaluatorEvent & { account: Hex })[] = [];
const ended = new AbortController();
let telling: Promise<void> | undefined;
let idle: ReturnType<typeof setInterval> | undefined;

const carry = async (): Promise<Carried> => (await desk?.choose()) ?? { work: null, verdict: null };

async function host(privateKey: Uint8Array): Promise<Peer> {
  const peer = await createPeer({
    dataDir: join(directory, `peer ${peers.length}`),
    peerPrivateKey: privateKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: peers[0]?.addresses() ?? [],
    log: silentLog,
  });
  peers.push(peer);
  return peer;
}

async function startJudges(): Promise<void> {
  for (const [i, keys] of judges.entries()) {
    const account = keys.evm.address;
    const evaluator = createEvaluator({
      ...{ rpc: network.rpcUrl, contracts: network.contracts, keys, log: silentLog, pollMs: 100 },
      ...{ peer: await host(keys.peer.privateKey), dataDir: join(directory, `judge ${i}`) },
      replayLimits: LIMITS,
      onEvent: (event) => void events.push({ ...event, account }),
    });
    await evaluator.start();
    evaluators.push(evaluator);
  }
  for (const { evm } of judges) await until(async () => (await client.nodeOf(evm.address)).roles !== 0);
}

const mineBeyond = async (height: number): Promise<unknown> =>
  network.chain.mine(height + 1 - network.chain.application.head.height);

const claimOf = (roots: readonly Uint8Array[]): TraceClaim => {
  const { traceRoot, startRoot, startPath, endRoot, endPath } = traceClaim(roots);
  return {
    ...{ traceRoot: toHex(traceRoot), startRoot: toHex(startRoot), startPath: startPath.map(toHex) },
    ...{ endRoot: toHex(endRoot), endPath: endPath.map(toHex) },
  };
};

/** A job with full audit, trained by slot 0; slot 1 leaves out a segment. Answers the encoded bundles by trace and segment. */
async function trainAndCommit(worker: Peer): Promise<Uint8Array[][]> {
  for (const index of WORKERS) {
    const market = network.marketOf(index);
    const key = sha256(utf8(market.account!));
    const wish = { roles: WORKER_ROLE, bands: 0, readerKey: key, peerId: key, stake: 300n * TRAIN };
    await enrol(market, wish, silentLog);
  }
  const { document } = (await toyJob()).job;
  const documentCid = await worker.content.putBytes(encodeJob(document));
  const posting = { document, documentCid, testRoot: toHex(sha256(utf8('test'))) };
  const testKeyCommitment = toHex(sha256(utf8('key')));
  const post = jobPostOf({ ...posting, testKeyCommitment, provable: true, fullAudit: true });
  const jobId = await client.postJob(post, BigInt(document.reward));
  for (const index of WORKERS) await network.marketOf(index).assignWorker(jobId);
  await mineBeyond((await client.job(jobId)).drawHeight);
  await client.closeAssignment(jobId);
  const place = { jobId, seed: fromHex((await client.job(jobId)).seed, 32) };
  const honest = await trainedShare({ ...place, slot: 0 });
  const cheat = await trainedShare({ ...place, slot: 1 });
  const lazy = await lazySegment(cheat);
  const claims = [claimOf(honest.roots), claimOf(lazy.roots)];
  const accounts = await client.workersOf(jobId);
  slots = accounts.map((account) => WORKERS.find((one) => network.marketOf(one).account === account)!);
  for (const [slot, index] of slots.entries())
    await network.marketOf(index).commitTrace(jobId, 0, claims[slot]!);
  return [
    await Promise.all(SEGMENTS.map(async (segment) => encodeBundle(await honest.bundle(segment)))),
    await Promise.all(SEGMENTS.map((segment) => lazyBundle(cheat, lazy.roots, segment))),
  ];
}

/** As the trace has it, from the state that it says. */
async function lazyBundle(share: Share, roots: readonly Uint8Array[], segment: number): Promise<Uint8Array> {
  const { states } = share;
  const start =
    segment === LAZY_SEGMENT + 1 ? { ...states[1]!, counter: states[2]!.counter } : states[segment]!;
  return encodeBundle({
    ...(await share.bundle(segment)),
    ...{ startState: encodeState(start), startPath: statePath(roots, segment) },
    ...{ endRoot: roots[segment + 1]!, endPath: statePath(roots, segment + 1) },
    firstPath: statePath(roots, 0),
  });
}

/** As a worker does, until nobody listens any more. */
async function tell(worker: Peer, bundles: readonly Uint8Array[][]): Promise<void> {
  const cids = await Promise.all(bundles.map((ofTrace) => Promise.all(ofTrace.map(worker.content.putBytes))));
  const chainId = await client.chainId();
  const topic = workTopic(chainId);
  for (let attempt = 0; !ended.signal.aborted; attempt++) {
    for (const [traceId, ofTrace] of cids.entries()) {
      for (const [segment, bundle] of ofTrace.entries()) {
        const message = { format: 'fedai-audit/2', traceId, segment, bundle, attempt } as const;
        const key = network.privateKeyOf(slots[traceId]!);
        await worker.gossip.publish(topic, signAnnouncement(chainId, message, key));
      }
    }
    await sleep(2_000, ended.signal).catch(() => {});
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-audits-'));
  judges = await Promise.all([0, 1].map(() => deriveKeys(generateMnemonic())));
  const accounts = [...[0, 1, ...WORKERS].map((index) => testAccount(index).address)];
  const all = [...accounts, ...judges.map(({ evm }) => evm.address)];
  const balances = Object.fromEntries(all.map((account) => [account, 1_000n * TRAIN]));
  // Each transaction takes a block of the time to commit.
  const court = { commitBlocks: 120, revealBlocks: 60 };
  network = await startMarketChain({ workInterval: 1_000, balances, court, carry });
  client = network.marketOf(1);
  const peer = await host(sha256(utf8('validator')));
  desk = createWorkDesk({ application: network.chain.application, peer, log: silentLog });
  await desk.start();
  const worker = await host(sha256(utf8('worker')));
  await startJudges();
  await until(() => peers[0]!.peers().length === peers.length - 1);
  const bundles = await trainAndCommit(worker);
  telling = tell(worker, bundles);
  // Each evaluator may have its turn to draw the auditors.
  await mineBeyond((await client.court!.auditOf(1n)).drawFrom + 2);
  idle = setInterval(() => void network.chain.mine(), IDLE_BLOCK_MS);
}, 180_000);

afterAll(async () => {
  clearInterval(idle);
  ended.abort();
  await telling;
  await Promise.all(evaluators.map((evaluator) => evaluator.stop()));
  await desk?.stop();
  await Promise.all(peers.map((peer) => peer.stop()));
  await network.stop();
  await rm(directory, { recursive: true, force: true });
});

const accounts = () => judges.map(({ evm }) => evm.address).sort();

test('auditors that agree are paid for an honest trace', async () => {
  const court = client.court!;
  await until(async () => (await court.auditOf(0n)).state === 'Accepted');
  const { segments, auditors, fee } = await court.auditOf(0n);
  expect(segments).toEqual(SEGMENTS);
  expect(auditors.map(({ account }) => account).sort()).toEqual(accounts());
  const [first, second] = auditors.map(({ digests }) => digests);
  expect(first).toHaveLength(SEGMENTS.length);
  expect(second).toEqual(first);
  expect(fee).toBeGreaterThan(0n);
  expect((await client.workTrace(0n)).fate).toBe('Committed');
}, 300_000);

test('a segment that was not trained is brought to court, and its worker is guilty', async () => {
  const court = client.court!;
  // The block that follows carries the verdict, once the validator has executed the segment.
  await until(async () => (await desk!.choose()).verdict !== null);
  await network.chain.mine();
  await until(async () => (await court.caseOf(1)).state === 'Upheld');
  const judged = await court.caseOf(1);
  expect(judged).toMatchObject({ traceId: 1n, segment: LAZY_SEGMENT });
  expect(accounts()).toContain(judged.challenger);
  expect(await client.workTrace(1n)).toMatchObject({ fate: 'Faulty', slot: 1 });
  const { jobId, round, slot } = await client.workTrace(1n);
  expect(await client.traceOf(jobId, round, slot)).toMatchObject({ lost: true });
  // What the auditors revealed of it is what the validator found.
  await until(async () => (await court.auditOf(1n)).auditors.every(({ revealed }) => revealed));
  const { auditors } = await court.auditOf(1n);
  for (const { digests } of auditors) expect(digests[LAZY_SEGMENT]).toBe(judged.digest);
}, 300_000);

test('fees and bond are taken as pay', async () => {
  const taken = (account: Hex) =>
    events.reduce(
      (sum, event) => (event.type === 'withdrawn' && event.account === account ? sum + event.amount : sum),
      0n,
    );
  const { bond } = await client.court!.parameters();
  const { challenger } = await client.court!.caseOf(1);
  // The bond comes back with the verdict, the fee when the audit is settled: at once or one after the other.
  await until(() => accounts().every((account) => taken(account) > (account === challenger ? bond : 0n)));
  expect(events.some(({ type }) => type === 'challenged')).toBe(true);
}, 300_000);
