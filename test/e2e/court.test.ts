/**
 * The court in a network of processes: four validators, two auditors, the host of two workers. One worker leaves out a
 * segment: it is audited, challenged, found guilty by every validator's own replay, and the auditors are paid. One auditor
 * is killed between commitment and reveal. Somebody accuses the honest worker and loses the bond.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trustedOf } from '../../cli/verify/index.ts';
import { quickCourtParameters } from '../../contracts/deploy.ts';
import { fromHex, type Hex, sha256, silentLog, sleep, toHex, utf8 } from '../../core/index.ts';
import { deriveKeys, generateMnemonic, type KeySet } from '../../core/keys/index.ts';
import { createEngine, encodeState } from '../../engine/index.ts';
import { encodeJob } from '../../job/index.ts';
import {
  createMarket,
  EVALUATOR_ROLE,
  enrol,
  httpTransport,
  jobPostOf,
  type Market,
  type MarketContracts,
  type TraceClaim,
  WORKER_ROLE,
  ZERO_HASH,
} from '../../market/index.ts';
import {
  type AnnouncementContent,
  encodeBundle,
  signAnnouncement,
  statePath,
  traceClaim,
  workTopic,
} from '../../pouw/index.ts';
import { createPeer, gatewayStore, type Peer } from '../../storage/index.ts';
import { checkWork, type WorkCheck, workSource } from '../../verify/index.ts';
import { LIMITS, lazySegment, type Share, toyJob, trainedShare } from '../pouw/job.ts';
import { until } from '../storage/until.ts';
import { TRAIN } from '../support/marketChain.ts';
import { type Party, startParty } from '../support/party.ts';
import { testAccount } from '../support/soloChain.ts';
import { startValidators, type ValidatorProcesses } from '../support/validatorProcesses.ts';

const SEGMENTS = [0, 1, 2, 3];
/** Of slot 1: was not trained. */
const LAZY_SEGMENT = 1;
/** Of the honest trace: what the false accuser picks. */
const ACCUSED_SEGMENT = 2;
const [CLIENT, ACCUSER, ...WORKERS] = [1, 4, 2, 3];
const STAKE = 100n * TRAIN;
const BLOCK_MS = 500;
/** Each announcement costs every validator the recovery of a signature. */
const TELL_EVERY_MS = 2_000;
/** A round is not given up because the machine is slow. */
const PATIENT = { proposeTimeoutMs: 30_000, prevoteTimeoutMs: 10_000, precommitTimeoutMs: 10_000 };
/** No window of the court closes in the time of this test: what ends it is that everybody has done their part. */
const WINDOW = 2_000;
/** Generous: starting a process takes many seconds on a machine that runs other tests. */
const STEP_MS = 600_000;

let directory: string;
let network: ValidatorProcesses;
let judges: KeySet[];
let mnemonics: string[];
let peer: Peer;
let client: Market;
/** Accounts' indices by slot, which is the number of the trace. */
let slots: number[];
let bundles: string[][];
const parties: Party[] = [];
const ended = new AbortController();
let telling: Promise<void> | undefined;

const keyOf = (index: number): Uint8Array => fromHex(testAccount(index).privateKey);
const marketOf = (signer: Uint8Array, validator = 0): Market =>
  createMarket({
    rpc: network.rpcUrls[validator]!,
    contracts: network.spec.contracts as MarketContracts,
    ...{ pollMs: 50, signer },
  });

function runJudge(index: number): Party {
  const party = startParty({
    ...{ role: 'evaluator', name: `judge ${index}`, mnemonic: mnemonics[index]!, stake: STAKE, pollMs: 100 },
    ...{ dataDir: join(directory, `judge ${index}`), bootstrap: network.bootstrap, replayLimits: LIMITS },
    ...{ rpc: network.rpcUrls[1 + index]!, contracts: network.spec.contracts as MarketContracts },
  });
  parties.push(party);
  return party;
}

const claimOf = (roots: readonly Uint8Array[]): TraceClaim => {
  const { traceRoot, startRoot, startPath, endRoot, endPath } = traceClaim(roots);
  return {
    ...{ traceRoot: toHex(traceRoot), startRoot: toHex(startRoot), startPath: startPath.map(toHex) },
    ...{ endRoot: toHex(endRoot), endPath: endPath.map(toHex) },
  };
};

/** By hand, since their processes come later: until the second runs nothing can be revealed. */
const enrolJudge = ({ evm, reader }: KeySet): Promise<unknown> => {
  const node = { roles: EVALUATOR_ROLE, bands: 0, readerKey: reader.publicKey, peerId: reader.publicKey };
  return enrol(marketOf(evm.privateKey), { ...node, stake: STAKE }, silentLog);
};

const enrolWorker = (index: number): Promise<unknown> => {
  const key = sha256(utf8(testAccount(index).address));
  const node = { roles: WORKER_ROLE, bands: 0, readerKey: key, peerId: key };
  return enrol(marketOf(keyOf(index)), { ...node, stake: 300n * TRAIN }, silentLog);
};

/** A job with full audit, trained by slot 0; slot 1 leaves out a segment. Answers the encoded bundles by trace and segment. */
async function trainAndCommit(): Promise<Uint8Array[][]> {
  const markets = new Map(WORKERS.map((index) => [index, marketOf(keyOf(index))]));
  const { document } = (await toyJob()).job;
  const documentCid = await peer.content.putBytes(encodeJob(document));
  const posting = { document, documentCid, testRoot: toHex(sha256(utf8('test'))) };
  const testKeyCommitment = toHex(sha256(utf8('key')));
  const post = jobPostOf({ ...posting, testKeyCommitment, provable: true, fullAudit: true });
  const jobId = await client.postJob(post, BigInt(document.reward));
  await Promise.all([...markets.values()].map((market) => market.assignWorker(jobId)));
  const { drawHeight } = await client.job(jobId);
  await until(async () => (await client.height()) > drawHeight);
  await client.closeAssignment(jobId);
  const place = { jobId, seed: fromHex((await client.job(jobId)).seed, 32) };
  const honest = await trainedShare({ ...place, slot: 0 });
  const cheat = await trainedShare({ ...place, slot: 1 });
  const lazy = await lazySegment(cheat);
  const claims = [claimOf(honest.roots), claimOf(lazy.roots)];
  const accounts = await client.workersOf(jobId);
  slots = accounts.map((account) => WORKERS.find((one) => markets.get(one)!.account === account)!);
  // One after the other: the number of a trace is its slot's.
  for (const [slot, index] of slots.entries()) await markets.get(index)!.commitTrace(jobId, 0, claims[slot]!);
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

/** As workers do, until nobody listens any more: what is audited, and the honest one what it is accused of. */
async function tell(): Promise<void> {
  const chainId = BigInt(network.spec.chainId);
  const say = (content: AnnouncementContent, trace: number) =>
    peer.gossip.publish(workTopic(chainId), signAnnouncement(chainId, content, keyOf(slots[trace]!)));
  for (let attempt = 0; !ended.signal.aborted; attempt++) {
    for (const [traceId, ofTrace] of bundles.entries())
      for (const [segment, bundle] of ofTrace.entries())
        await say({ format: 'fedai-audit/2', traceId, segment, bundle, attempt }, traceId);
    const cases = await client.court!.openCases().catch(() => []);
    for (const { caseId, traceId, segment } of cases) {
      const bundle = bundles[0]![segment]!;
      if (traceId === 0n) await say({ format: 'fedai-case/2', caseId, bundle, attempt }, 0);
    }
    await sleep(TELL_EVERY_MS, ended.signal).catch(() => {});
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-court-'));
  mnemonics = [0, 1].map(() => generateMnemonic());
  judges = await Promise.all(mnemonics.map((mnemonic) => deriveKeys(mnemonic)));
  const accounts = [CLIENT!, ACCUSER!, ...WORKERS].map((index) => testAccount(index).address);
  const all = [...accounts, ...judges.map(({ evm }) => evm.address)];
  const windows = { commitBlocks: WINDOW, revealBlocks: WINDOW, courtBlocks: WINDOW };
  network = await startValidators(4, directory, {
    balances: Object.fromEntries(all.map((account) => [account, 1_000n * TRAIN])),
    consensus: { blockTimeMs: BLOCK_MS, ...PATIENT },
    jobs: { drawDelayBlocks: 2 },
    work: { everyBlocks: 1_000 },
    court: { ...quickCourtParameters, ...windows },
  });
  peer = await createPeer({
    ...{ dataDir: join(directory, 'workers'), peerPrivateKey: sha256(utf8('workers')), log: silentLog },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: network.bootstrap },
  });
  client = marketOf(keyOf(CLIENT!));
  await Promise.all([...judges.map(enrolJudge), ...WORKERS.map(enrolWorker)]);
  const encoded = await trainAndCommit();
  bundles = await Promise.all(encoded.map((ofTrace) => Promise.all(ofTrace.map(peer.content.putBytes))));
  telling = tell();
}, STEP_MS);

afterAll(async () => {
  ended.abort();
  await telling;
  await Promise.all(parties.map((party) => party.kill()));
  await peer?.stop();
  await network?.stop();
  await rm(directory, { recursive: true, force: true });
}, STEP_MS);

const accounts = (): Hex[] => judges.map(({ evm }) => evm.address).sort();
const partOf = async (traceId: bigint, judge: number) =>
  (await client.court!.auditOf(traceId)).auditors.find(
    ({ account }) => account === judges[judge]!.evm.address,
  );

/** On one validator; what it says is the same on all, once they have the block. */
async function caseOf(traceId: bigint): Promise<{ caseId: number; height: number }> {
  const { caseId } = await client.court!.auditOf(traceId);
  const head = await client.height();
  const source = workSource(httpTransport(network.rpcUrls[3]!), ended.signal);
  for (let height = head; height > 0; height--)
    if ((await source.header(height)).section.verdict?.caseId === caseId) return { caseId, height };
  throw new RangeError(`no verdict about case ${caseId}`);
}

/** With nothing but the chain spec, from another validator than the one that was asked so far. */
async function failedChecks(height: number): Promise<WorkCheck[]> {
  const rpc = network.rpcUrls[2]!;
  const given = {
    ...{ source: workSource(httpTransport(rpc), ended.signal), content: gatewayStore(rpc), height },
    ...{ engine: await createEngine(), trusted: trustedOf(JSON.parse(JSON.stringify(network.spec))) },
  };
  const checks: WorkCheck[] = [];
  for await (const check of checkWork(given, ended.signal)) checks.push(check);
  expect(checks.at(-1)?.name).toBe('verdict');
  return checks.filter(({ ok }) => !ok);
}

test(
  'an auditor that is killed between commitment and reveal goes on',
  async () => {
    const first = runJudge(0);
    await until(async () => {
      const parts = await Promise.all([partOf(0n, 0), partOf(1n, 0)]);
      return parts.every((part) => part !== undefined && part.commitment !== ZERO_HASH);
    });
    await first.kill();
    expect((await partOf(0n, 0))!.revealed).toBe(false);
    runJudge(1);
    runJudge(0);
    await until(async () => (await client.court!.auditOf(0n)).state === 'Accepted');
    const { segments, auditors, fee } = await client.court!.auditOf(0n);
    expect(segments).toEqual(SEGMENTS);
    expect(auditors.map(({ account }) => account).sort()).toEqual(accounts());
    const [one, other] = auditors.map(({ digests }) => digests);
    expect(one).toHaveLength(SEGMENTS.length);
    expect(other).toEqual(one);
    expect(fee).toBeGreaterThan(0n);
  },
  STEP_MS,
);

test(
  'a segment that was not trained is brought to court, and every validator finds its worker guilty',
  async () => {
    const court = client.court!;
    await until(async () => (await client.workTrace(1n)).fate === 'Faulty');
    const { caseId, height } = await caseOf(1n);
    const judged = await court.caseOf(caseId);
    expect(judged).toMatchObject({ traceId: 1n, segment: LAZY_SEGMENT, state: 'Upheld' });
    expect(accounts()).toContain(judged.challenger);
    const { jobId, round, slot } = await client.workTrace(1n);
    expect(slot).toBe(1);
    expect(await client.traceOf(jobId, round, slot)).toMatchObject({ lost: true });
    // What the auditors revealed of it is what the validators found.
    await until(async () => (await court.auditOf(1n)).auditors.every(({ revealed }) => revealed));
    for (const { digests } of (await court.auditOf(1n)).auditors)
      expect(digests[LAZY_SEGMENT]).toBe(judged.digest);
    for (const rpc of network.rpcUrls)
      await until(async () => {
        const { replays } = (await httpTransport(rpc).request('fedai_status', [], ended.signal)) as {
          replays: { replays: number };
        };
        return replays.replays > 0;
      });
    expect(await failedChecks(height)).toEqual([]);
  },
  STEP_MS,
);

test(
  'who accuses the honest worker loses the bond, half of it to the worker',
  async () => {
    const accuser = marketOf(keyOf(ACCUSER!));
    const court = accuser.court!;
    const { bond } = await court.parameters();
    await court.challenge(0n, ACCUSED_SEGMENT, bond);
    const { caseId } = await court.auditOf(0n);
    await until(async () => (await court.caseOf(caseId)).state !== 'Open');
    expect(await court.caseOf(caseId)).toMatchObject({ state: 'Dismissed', segment: ACCUSED_SEGMENT });
    expect(await court.withdrawable(testAccount(slots[0]!).address)).toBe(bond / 2n);
    expect(await court.withdrawable(accuser.account!)).toBe(0n);
    expect((await client.workTrace(0n)).fate).toBe('Committed');
    expect(await failedChecks((await caseOf(0n)).height)).toEqual([]);
  },
  STEP_MS,
);

test(
  'auditors take their fees, and the bond of the one that was right, as pay',
  async () => {
    const { bond } = await client.court!.parameters();
    const { caseId } = await client.court!.auditOf(1n);
    const { challenger } = await client.court!.caseOf(caseId);
    const taken = (judge: number): bigint =>
      parties
        .flatMap(({ events }) => events)
        .filter(({ type, account }) => type === 'withdrawn' && account === judges[judge]!.evm.address)
        .reduce((sum, { amount }) => sum + BigInt(amount as string), 0n);
    await until(() =>
      [0, 1].every((judge) => taken(judge) > (judges[judge]!.evm.address === challenger ? bond : 0n)),
    );
  },
  STEP_MS,
);
