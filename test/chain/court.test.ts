/**
 * The court on a real chain: bundles of open cases are replayed by a validator's desk, the verdicts ride in blocks, and the
 * contracts carry them out. One case is of an honest trace, one of a trace with a segment that was not trained.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkDesk, readOpenings, type WorkDesk } from '../../chain/work/index.ts';
import { trustedOf } from '../../cli/verify/index.ts';
import {
  FedaiError,
  fromHex,
  type Hex,
  sha256,
  silentLog,
  toHex,
  utf8,
  type Verdict,
} from '../../core/index.ts';
import { createEngine } from '../../engine/index.ts';
import { encodeJob } from '../../job/index.ts';
import { type Carried, commitHash, type VerdictSection } from '../../light/index.ts';
import {
  enrol,
  httpTransport,
  jobPostOf,
  type Market,
  type TraceClaim,
  WORKER_ROLE,
} from '../../market/index.ts';
import { createPeerScores } from '../../net/index.ts';
import {
  type AnnouncementContent,
  type Bundle,
  encodeAnnouncement,
  encodeBundle,
  signAnnouncement,
  traceClaim,
} from '../../pouw/index.ts';
import { type ContentStore, createMemoryStore } from '../../storage/index.ts';
import {
  checkWork,
  type StateProof,
  type WorkCheck,
  type WorkSource,
  workSource,
} from '../../verify/index.ts';
import { lazySegment, type Share, toyJob, trainedShare } from '../pouw/job.ts';
import { until } from '../storage/until.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { decideOne } from '../support/soloChain.ts';

const CHALLENGER = 5;
const WORK_INTERVAL = 60;
const HONEST = { caseId: 1, segment: 2 };
const LAZY = { caseId: 2, segment: 1 };

let network: MarketChain;
let desk: WorkDesk;
let content: ContentStore;
let challenger: Market;
let hear: (bytes: Uint8Array, from: string) => Promise<Verdict>;
const scores = createPeerScores();
let jobId: bigint;
/** Accounts' indices by slot. */
let workers: number[];
let shares: Share[];
let lazy: Awaited<ReturnType<typeof lazySegment>>;
const cids: Record<'honest' | 'lazy' | 'other', string> = { honest: '', lazy: '', other: '' };

const hexClaim = (roots: readonly Uint8Array[]): TraceClaim => {
  const { traceRoot, startRoot, startPath, endRoot, endPath } = traceClaim(roots);
  return {
    ...{ traceRoot: toHex(traceRoot), startRoot: toHex(startRoot), startPath: startPath.map(toHex) },
    ...{ endRoot: toHex(endRoot), endPath: endPath.map(toHex) },
  };
};

async function postAndAssign(): Promise<void> {
  const client = network.marketOf(1);
  for (const index of [2, 3]) {
    const market = network.marketOf(index);
    const key = sha256(utf8(market.account!));
    const node = { roles: WORKER_ROLE, bands: 0, readerKey: key, peerId: key, stake: 300n * TRAIN };
    await enrol(market, node, silentLog);
  }
  const { job } = await toyJob();
  const documentCid = await content.putBytes(encodeJob(job.document));
  const posting = { document: job.document, documentCid, testRoot: toHex(sha256(utf8('test'))) };
  const testKeyCommitment = toHex(sha256(utf8('key')));
  const post = jobPostOf({ ...posting, testKeyCommitment, provable: true });
  jobId = await client.postJob(post, BigInt(job.document.reward));
  for (const index of [2, 3]) await network.marketOf(index).assignWorker(jobId);
  const head = network.chain.application.head.height;
  await network.chain.mine((await client.job(jobId)).drawHeight + 1 - head);
  await client.closeAssignment(jobId);
}

/** Slot 0 trains; slot 1 leaves out its second segment. */
async function trainAndCommit(): Promise<void> {
  const client = network.marketOf(1);
  const place = { jobId, seed: fromHex((await client.job(jobId)).seed, 32) };
  shares = [await trainedShare({ ...place, slot: 0 }), await trainedShare({ ...place, slot: 1 })];
  lazy = await lazySegment(shares[1]!);
  const accounts = await client.workersOf(jobId);
  workers = accounts.map((account) => [2, 3].find((one) => network.marketOf(one).account === account)!);
  const claims = [hexClaim(shares[0]!.roots), hexClaim(lazy.roots)];
  for (const [slot, index] of workers.entries())
    await network.marketOf(index).commitTrace(jobId, 0, claims[slot]!);
}

const stored = (bundle: Bundle) => content.putBytes(encodeBundle(bundle));
const signed = (content: AnnouncementContent, signer: number): Uint8Array =>
  signAnnouncement(BigInt(network.chain.spec.chainId), content, network.privateKeyOf(signer));
/** From the peer that tells it, signed by an account. */
const announce = (caseId: number, bundle: string, from: string, signer = CHALLENGER) =>
  hear(signed({ format: 'fedai-case/2', caseId, bundle, attempt: 0 }, signer), from);
const carried = async (): Promise<Carried> => (await desk?.choose()) ?? { work: null, verdict: null };

beforeAll(async () => {
  content = await createMemoryStore();
  // No draw before the cases are over: what blocks carry until then is of the court.
  network = await startMarketChain({ workInterval: WORK_INTERVAL, carry: () => carried() });
  const { application } = network.chain;
  const gossip = {
    subscribe: (_topic: string, handler: typeof hear) => {
      hear = handler;
    },
    unsubscribe: () => undefined,
    publish: async () => undefined,
  };
  const peer = { content, scores, gossip } as unknown as Parameters<typeof createWorkDesk>[0]['peer'];
  const built = createWorkDesk({ application, peer, log: silentLog });
  await built.start();
  desk = built;
  await postAndAssign();
  await trainAndCommit();
  cids.honest = await stored(await shares[0]!.bundle(HONEST.segment));
  cids.lazy = await stored(lazy.bundle);
  cids.other = await stored(await shares[0]!.bundle(0));
  challenger = network.marketOf(CHALLENGER);
  const { bond } = await challenger.court!.parameters();
  await challenger.court!.challenge(0n, HONEST.segment, bond);
  await challenger.court!.challenge(1n, LAZY.segment, bond);
}, 120_000);

afterAll(async () => {
  await desk.stop();
  await network.stop();
});

const rpc = async (method: string, ...params: unknown[]) => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(network.rpcUrl, { method: 'POST', headers, body });
  return ((await answer.json()) as { result: never }).result;
};

const LIES = [
  flipped,
  (proof: StateProof) => ({ ...proof, storageProof: proof.storageProof.slice(1) }),
  (proof: StateProof) => ({ ...proof, accountProof: proof.accountProof.slice(0, -1) }),
];

/** The checks made with the chain spec at hand, from what RPC and gateway give; `lie` changes proofs of state. */
async function checksOf(height: number, lie = (proof: StateProof): StateProof => proof): Promise<string> {
  const signal = AbortSignal.timeout(60_000);
  const told = workSource(httpTransport(network.rpcUrl), signal);
  const source: WorkSource = {
    ...told,
    stateProof: async (...asked) => lie(await told.stateProof(...asked)),
    terms: () => Promise.reject(new FedaiError('NOT_ASKED', 'the chain spec says it')),
  };
  const trusted = trustedOf(JSON.parse(JSON.stringify(network.chain.spec)));
  const given = { ...{ source, content, height, trusted }, engine: await createEngine() };
  const checks: WorkCheck[] = [];
  for await (const check of checkWork(given, signal)) checks.push(check);
  return checks.map(({ name, ok }) => `${ok ? '' : 'not '}${name}`).join(' ');
}

/** In the last digit of the last node: the value itself. */
function flipped(proof: StateProof): StateProof {
  const nodes = proof.storageProof.map((path) =>
    path.map((node, i) =>
      i < path.length - 1 ? node : (`${node.slice(0, -1)}${node.endsWith('0') ? '1' : '0'}` as Hex),
    ),
  );
  return { ...proof, storageProof: nodes };
}

/** A block with this verdict on the head, as another proposer would build it. */
async function blockWith(verdict: VerdictSection) {
  const { application } = network.chain;
  const height = application.head.height + 1;
  const [validator] = await application.validatorsAt(height);
  const parentCommit = application.store.commit(application.head.height)!;
  const carriedNow = { work: null, verdict, parentCommitHash: commitHash(parentCommit) };
  const section = { ...application.store.block(application.head.height)!.section, ...carriedNow };
  return await application.buildBlock({
    ...{ height, round: 1, proposer: validator!.address, beacon: application.head.mixHash },
    ...{ section, parentCommit, nowMs: Date.now() },
  });
}

describe('an open case', () => {
  it('is told by RPC with all that a bundle is checked against', async () => {
    const cases = (await rpc('fedai_getOpenCases')) as Record<string, unknown>[];
    expect(cases.map(({ caseId, segment }) => ({ caseId, segment }))).toEqual([HONEST, LAZY]);
    expect(cases[1]).toMatchObject({
      ...{ traceId: '0x1', taskId: `0x${jobId.toString(16)}`, slot: 1, segments: 4 },
      traceRoot: toHex(lazy.claim.traceRoot),
      documentHash: toHex(lazy.claim.documentHash),
    });
  });

  it('waits for a bundle that is of its segment; who brings another is blamed', async () => {
    expect(await announce(LAZY.caseId, cids.other, 'liar')).toMatchObject({ verdict: 'ignore' });
    expect(scores.score('liar')).toBeLessThan(-15);
    expect(await announce(9, cids.honest, 'stranger')).toMatchObject({ verdict: 'ignore' });
    expect(scores.score('stranger')).toBe(0);
    // What is told by nobody who has a part in it is not even looked at, were it right.
    expect(await announce(LAZY.caseId, cids.lazy, 'stranger', 9)).toMatchObject({ verdict: 'ignore' });
    for (let i = 0; i < 8; i++) await announce(LAZY.caseId, cids.lazy, 'flooder', 9);
    expect(await announce(LAZY.caseId, cids.lazy, 'flooder', CHALLENGER)).toMatchObject({
      verdict: 'ignore',
    });
    const content = { format: 'fedai-case/2', caseId: LAZY.caseId, bundle: cids.lazy, attempt: 0 } as const;
    const nobody = encodeAnnouncement({ ...content, signature: `0x${'00'.repeat(65)}` });
    expect(await hear(nobody, 'forger')).toMatchObject({ verdict: 'reject' });
    expect(await desk.choose()).toEqual({ work: null, verdict: null });
  });

  it('is judged by replay: the innocent and the guilty, with the digest of the true computation', async () => {
    expect(await announce(HONEST.caseId, cids.honest, 'worker', workers[0])).toEqual({
      verdict: 'accept',
    });
    expect((await desk.choose()).verdict).toMatchObject({ caseId: HONEST.caseId, guilty: false });
    expect(await announce(LAZY.caseId, cids.lazy, 'challenger')).toEqual({ verdict: 'accept' });
    expect(scores.score('worker') + scores.score('challenger')).toBe(0);
  });
});

describe('a block with a verdict', () => {
  it('is voted for when the verdict is what the replay says, and not otherwise', async () => {
    const right = (await desk.choose()).verdict!;
    const block = await blockWith(right);
    expect(await network.chain.application.checkBlock(block)).toEqual({ valid: true });
    expect(await desk.proven(block)).toBe(true);
    const lies: Partial<VerdictSection>[] = [
      { guilty: true },
      { digest: sha256(utf8('another')) },
      { jobId: right.jobId + 1n },
      { worker: new Uint8Array(20) },
      { bundle: Uint8Array.from(right.bundle, (byte, i) => (i === 20 ? byte ^ 1 : byte)).subarray(0, 35) },
    ];
    for (const lie of lies) {
      const wrong = await blockWith({ ...right, ...lie });
      // The contract cannot tell: only who has replayed the bundle can.
      expect(await network.chain.application.checkBlock(wrong)).toEqual({ valid: true });
      expect(await desk.proven(wrong)).toBe(false);
    }
  });

  it('is invalid when it is of another case, trace or segment than the contract has', async () => {
    const right = (await desk.choose()).verdict!;
    const lies: Partial<VerdictSection>[] = [
      { caseId: 7 },
      { segment: right.segment + 1 },
      { traceRoot: sha256(utf8('another')) },
    ];
    for (const lie of lies)
      await expect(blockWith({ ...right, ...lie })).rejects.toMatchObject({ code: 'INVALID_BLOCK' });
  });

  it('carries the verdict out: bond, lock and pay follow', async () => {
    const { application } = network.chain;
    const { bond } = await challenger.court!.parameters();
    const before = application.head.height;
    await network.chain.mine();
    // The desk reads the new state before it knows what is left.
    await until(async () => (await desk.choose()).verdict?.caseId === LAZY.caseId);
    await network.chain.mine();
    const verdicts = [before + 1, before + 2].map(
      (height) => application.store.block(height)!.section.verdict,
    );
    expect(verdicts.map((one) => [one?.caseId, one?.guilty])).toEqual([
      [HONEST.caseId, false],
      [LAZY.caseId, true],
    ]);
    expect((await challenger.court!.caseOf(HONEST.caseId)).state).toBe('Dismissed');
    expect((await challenger.court!.caseOf(LAZY.caseId)).state).toBe('Upheld');
    expect(await challenger.court!.withdrawable(challenger.account as Hex)).toBe(bond);
    expect(await rpc('fedai_getOpenCases')).toEqual([]);
    const block = (await rpc('eth_getBlockByNumber', `0x${(before + 2).toString(16)}`, false)) as object;
    expect(block).toMatchObject({
      usefulWork: null,
      courtVerdict: { caseId: LAZY.caseId, guilty: true, workProof: cids.lazy, segment: LAZY.segment },
    });
    const told = (await rpc('fedai_getCourtVerdict', before + 2)) as object;
    const { seed, documentHash, round, slot, segments } = lazy.claim;
    expect(told).toMatchObject({
      ...{ caseId: LAZY.caseId, guilty: true, traceId: '0x1', round, slot, segments },
      ...{ seed: toHex(seed), documentHash: toHex(documentHash), workProof: cids.lazy },
    });
    const traces = [await rpc('fedai_getTrace', 0), await rpc('fedai_getTrace', 1)] as object[];
    expect(traces[0]).toMatchObject({ case: { state: 'dismissed', segment: HONEST.segment } });
    expect(traces[1]).toMatchObject({ fate: 'faulty', case: { state: 'upheld' }, audit: { state: 'none' } });
  });

  it('is executed again by anybody, believing nothing but the chain spec', async () => {
    const { height } = network.chain.application.head;
    const before = 'header verdict section case bundle document plan manifest start records end';
    expect(await checksOf(height - 1)).toBe(`${before} replay verdict`);
    expect(await checksOf(height)).toBe(`${before} verdict`);
    // A word of the state that the RPC changes has no proof, and neither has one that it leaves out.
    for (const lie of LIES) expect(await checksOf(height, lie)).toBe('header verdict section not case');
  });

  it('is carried once: the next blocks have none, and a case that is closed is refused', async () => {
    const { application } = network.chain;
    const { verdict } = application.store.block(application.head.height)!.section;
    await expect(decideOne(application, { work: null, verdict })).rejects.toMatchObject({
      code: 'INVALID_BLOCK',
    });
    expect(await announce(LAZY.caseId, cids.lazy, 'late')).toMatchObject({ verdict: 'ignore' });
    expect(await desk.status()).toMatchObject({ kernelFaults: 0 });
  });
});

describe('announcements of audits', () => {
  it("of a trace's worker are passed on while it may be under audit", async () => {
    const tell = (traceId: number, signer: number) =>
      hear(
        signed({ format: 'fedai-audit/2', traceId, segment: 0, bundle: cids.honest, attempt: 0 }, signer),
        'worker',
      );
    expect(await tell(0, workers[1]!)).toMatchObject({ verdict: 'reject' });
    expect(await tell(0, workers[0]!)).toEqual({ verdict: 'accept' });
    expect(await tell(77, workers[0]!)).toMatchObject({ verdict: 'ignore' });
  });
});

describe('a drawn segment', () => {
  it('is opened for its worker, whoever announces it', async () => {
    const { application } = network.chain;
    await network.chain.mine(WORK_INTERVAL - 1 - (application.head.height % WORK_INTERVAL));
    const [opening] = await readOpenings(application);
    const { drawHeight, rank, claim, worker } = opening!;
    // The faulty trace is not for opening; the other's bundle is told by somebody else.
    expect(claim).toMatchObject({ slot: 0, round: 0 });
    const bundle = await stored(await shares[0]!.bundle(claim.segment));
    const told = { format: 'fedai-work/2', drawHeight, rank, bundle, attempt: 0 } as const;
    expect(await hear(signed(told, 9), 'helper')).toEqual({ verdict: 'accept' });
    await until(async () => (await desk.choose()).work !== null);
    const work = (await desk.choose()).work!;
    expect(work.opener).toEqual(worker);
    const taken = { work: { ...work, opener: fromHex(challenger.account!, 20) }, verdict: null };
    await expect(decideOne(application, taken)).rejects.toMatchObject({ code: 'INVALID_BLOCK' });
    await network.chain.mine();
    expect(application.store.block(application.head.height)!.section.work).toMatchObject({
      drawHeight,
      rank,
    });
  });

  it('is executed again by anybody, believing nothing but the chain spec', async () => {
    const { height } = network.chain.application.head;
    const before = 'header work section draw job bundle';
    const replay = 'document plan manifest start records end replay model';
    expect(await checksOf(height)).toBe(`${before} ${replay}`);
    for (const lie of LIES) expect(await checksOf(height, lie)).toBe('header work section not draw');
  });
});
