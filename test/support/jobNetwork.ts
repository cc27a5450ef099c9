/** A whole market in this process: solo chain with RPC, and client, workers and evaluators each with keys, data directory and host of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, type Hex, type Log, sha256, silentLog, sleep, toHex, utf8 } from '../../core/index.ts';
import { deriveKeys, generateMnemonic, type KeySet } from '../../core/keys/index.ts';
import { createEvaluator, type EvaluatorEvent } from '../../evaluator/index.ts';
import { encodeJob, type JobDocument } from '../../job/index.ts';
import { type ClientAgent, createClientAgent, createMarket, type Market } from '../../market/index.ts';
import { createPeer, importDataset, type Peer } from '../../storage/index.ts';
import { createWorker, type WorkerEvent } from '../../worker/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from './marketChain.ts';
import { type Party, startParty } from './party.ts';
import { toyModel, toyRecipe, toyRecords } from './toy.ts';

export interface Member {
  keys: KeySet;
  peer: Peer;
  dataDir: string;
}

/** An account with coins and a folder, run as a process when a test says so. */
export interface Reserve {
  keys: KeySet;
  dataDir: string;
  /** Typed client of its account. */
  market: Market;
  /** Starts, or starts again, its process. */
  run(role: 'worker' | 'evaluator'): Party;
}

export interface JobNetwork {
  network: MarketChain;
  client: Member & { market: Market };
  workers: Member[];
  evaluators: Member[];
  reserves: Reserve[];
  events: (WorkerEvent | EvaluatorEvent)[];
  /** Starts the daemon of a worker; the function that comes back stops it. */
  runWorker(index: number): Promise<() => Promise<void>>;
  runEvaluator(index: number): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export const REWARD = 100n * TRAIN + 1n;
export const TOY_TEST_KEY = sha256(utf8('toy test key'));
const BLOCK_MS = 500;
const POLL_MS = 250;

export interface NetworkSize {
  workers: number;
  evaluators: number;
  reserves?: number;
}

export async function startJobNetwork(size: NetworkSize): Promise<JobNetwork> {
  const directory = await mkdtemp(join(tmpdir(), 'fedai-job-'));
  const log: Log = process.env.FEDAI_TEST_LOG
    ? createLog((line) => process.stderr.write(`${line}\n`), 'debug')
    : silentLog;
  const hosts = 1 + size.workers + size.evaluators;
  const mnemonics = Array.from({ length: hosts + (size.reserves ?? 0) }, () => generateMnemonic());
  const keySets = await Promise.all(mnemonics.map((mnemonic) => deriveKeys(mnemonic)));
  const balances = Object.fromEntries(keySets.map(({ evm }) => [evm.address, 1_000n * TRAIN])) as Record<
    Hex,
    bigint
  >;
  const members: Member[] = [];
  const content = async (cid: string) => members.at(-1)?.peer.content.rawBlock(cid);
  const network = await startMarketChain({ mining: BLOCK_MS, balances, content });
  for (const [index, keys] of keySets.slice(0, hosts).entries()) {
    const dataDir = join(directory, `${index}`);
    const peer = await createPeer({
      dataDir: join(dataDir, 'peer'),
      peerPrivateKey: keys.peer.privateKey,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootstrap: members[0]?.peer.addresses() ?? [],
      log,
    });
    members.push({ keys, peer, dataDir });
  }
  // The client's host is everyone's bootstrap: the network is there once it sees them all.
  while (members[0]!.peer.peers().length < members.length - 1) await sleep(50);
  const [clientMember, ...others] = members as [Member, ...Member[]];
  const { rpcUrl, contracts } = network;
  const events: (WorkerEvent | EvaluatorEvent)[] = [];
  const common = (member: Member, name: string) => ({
    ...member,
    rpc: rpcUrl,
    contracts,
    log: log.child({ daemon: name }),
    pollMs: POLL_MS,
    kernel: 'reference' as const,
    onEvent: (event: WorkerEvent | EvaluatorEvent) => void events.push(event),
  });
  const workers = others.slice(0, size.workers);
  const evaluators = others.slice(size.workers);
  const started = new Set<() => Promise<void>>();
  const run = async (service: { start(): Promise<void>; stop(): Promise<void> }) => {
    await service.start();
    const stop = () => service.stop();
    started.add(stop);
    return stop;
  };
  const parties: Party[] = [];
  const reserves = keySets.slice(hosts).map((keys, i): Reserve => {
    const index = hosts + i;
    const place = { mnemonic: mnemonics[index]!, dataDir: join(directory, `${index}`) };
    const signer = keys.evm.privateKey;
    return {
      keys,
      dataDir: place.dataDir,
      market: createMarket({ rpc: rpcUrl, contracts, signer, pollMs: POLL_MS }),
      run(role) {
        const bootstrap = clientMember.peer.addresses();
        const name = `${role} ${index}`;
        const stake = 20n * TRAIN;
        const party = startParty({
          ...place,
          role,
          name,
          bootstrap,
          stake,
          rpc: rpcUrl,
          contracts,
          pollMs: POLL_MS,
        });
        parties.push(party);
        return party;
      },
    };
  });
  const signer = clientMember.keys.evm.privateKey;
  return {
    network,
    client: { ...clientMember, market: createMarket({ rpc: rpcUrl, contracts, signer, pollMs: POLL_MS }) },
    workers,
    evaluators,
    reserves,
    events,
    runWorker: (index) =>
      run(createWorker({ ...common(workers[index]!, `worker ${index}`), stake: 20n * TRAIN })),
    runEvaluator: (index) => run(createEvaluator(common(evaluators[index]!, `evaluator ${index}`))),
    async stop() {
      await Promise.all(parties.map((party) => party.kill()));
      await Promise.all([...started].map((stop) => stop()));
      await Promise.all(members.map(({ peer }) => peer.stop()));
      await network.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export interface PostedToy {
  jobId: bigint;
  agent: ClientAgent;
  document: JobDocument;
  train: ReturnType<typeof toyRecords>;
  test: ReturnType<typeof toyRecords>;
}

export interface ToyOptions {
  change?: Partial<JobDocument>;
  /** Another test key than the set is encrypted with. */
  agentKey?: Uint8Array;
  /** Training data for everyone to read. */
  plainTraining?: boolean;
}

/** Imports toy data, posts a job of the given size and hands back the agent that serves it. */
export async function postToyJob(
  { client }: JobNetwork,
  training: { rounds: number; stepsPerRound: number; workers: number },
  { change = {}, agentKey, plainTraining = false }: ToyOptions = {},
): Promise<PostedToy> {
  const { content } = client.peer;
  const testKey = TOY_TEST_KEY;
  const dataKey = sha256(utf8('toy data key'));
  const train = toyRecords(480, 'train');
  const test = toyRecords(100, 'test');
  const about = { name: 'toy', licence: 'CC0-1.0' };
  const trainSet = await importDataset(content, train, {
    ...about,
    ...(!plainTraining && { encryptKey: dataKey }),
  });
  const testSet = await importDataset(content, test, { ...about, encryptKey: testKey });
  const document: JobDocument = {
    format: 'fedai-job/1',
    name: 'toy',
    model: toyModel,
    recipe: toyRecipe,
    data: {
      train: { manifest: trainSet.manifestCid, encrypted: !plainTraining },
      test: { manifest: testSet.manifestCid, encrypted: true },
    },
    training: { mode: 'federated', ...training },
    evaluators: 3,
    targetScorePpm: 900_000,
    minimumBands: 0,
    roundTimeoutMs: 20_000,
    deadlines: {
      volunteerBlocks: 30,
      roundBlocks: 400,
      resultBlocks: 400,
      keyBlocks: 100,
      commitBlocks: 200,
      revealBlocks: 100,
    },
    reward: REWARD.toString(),
    workerStake: (10n * TRAIN).toString(),
    ...change,
  };
  const cid = await content.putBytes(encodeJob(document));
  await content.pin(cid);
  const agent = createClientAgent({
    market: client.market,
    testKey: agentKey ?? testKey,
    dataKey,
    pollMs: POLL_MS,
  });
  const testRoot = toHex(testSet.plaintextRoot);
  const jobId = await agent.post({ document, documentCid: cid, testRoot, provable: false });
  return { jobId, agent, document, train, test };
}
