/**
 * A long chain for the explorer to be measured over: real jobs posted by transactions, then empty blocks written straight
 * into the store, each a real header over the same state, and a real chain node's RPC over all of it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from '@ethereumjs/rlp';
import { ClassicLevel } from 'classic-level';
import { createRpcServer } from '../../chain/index.ts';
import { checksOf } from '../../chain/store/damage.ts';
import { keys } from '../../chain/store/keys.ts';
import { EXPLORER_PAGES } from '../../cli/explorer/pages.ts';
import { keccak256, sha256, silentLog, toHex, uintBytes, utf8 } from '../../core/index.ts';
import { createMarket, httpTransport, jobPostOf, type MarketContracts } from '../../market/index.ts';
import { toyJob } from '../pouw/job.ts';
import { type SoloChain, startSoloChain } from '../support/soloChain.ts';
import { mineOn } from './mining.ts';
import type { ShownNetwork } from './network.ts';

const POSTERS = 10;
const BLOCK_MS = 1_000;
/** Heights written at once. */
const BATCH = 5_000;

export interface LongChainSize {
  blocks: number;
  jobs: number;
  report: (line: string) => void;
}

export async function startLongChain({ blocks, jobs, report }: LongChainSize): Promise<ShownNetwork> {
  const directory = await mkdtemp(join(tmpdir(), 'fedai-long-'));
  const options = { directory, accounts: POSTERS + 1, spec: { work: { everyBlocks: 10 } } };
  const first = await startSoloChain({ ...options, mining: 'manual' });
  const stopPosting = mineOn(first, 50);
  await postJobs(first, jobs);
  report(`${jobs} jobs are posted by block ${first.application.head.height}`);
  await stopPosting();
  await first.stop();
  await lengthen(directory, blocks);
  report(`the chain has ${blocks} blocks`);
  const chain = await startSoloChain({ ...options, mining: 'manual' });
  const stopMining = mineOn(chain, BLOCK_MS);
  const rpc = createRpcServer({
    application: chain.application,
    explorer: EXPLORER_PAGES,
    log: silentLog,
    port: 0,
  });
  await rpc.start();
  return {
    rpc: rpc.url,
    async stop() {
      await stopMining();
      await rpc.stop();
      await chain.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Every third is cancelled by who posted it. */
async function postJobs(chain: SoloChain, jobs: number): Promise<void> {
  const { job } = await toyJob();
  const posting = { document: job.document, documentCid: job.document.data.train.manifest };
  const testRoot = toHex(sha256(utf8('test')));
  const post = jobPostOf({ ...posting, testRoot, testKeyCommitment: testRoot, provable: true });
  let left = jobs;
  const markets = chain.accounts.slice(1).map(({ privateKey }) =>
    createMarket({
      rpc: httpTransport(chain.rpcUrl, { timeoutMs: 180_000 }),
      contracts: chain.spec.contracts as MarketContracts,
      signer: Uint8Array.from(Buffer.from(privateKey.slice(2), 'hex')),
      pollMs: 20,
    }),
  );
  await Promise.all(
    markets.map(async (market) => {
      while (left-- > 0) {
        const id = await market.postJob(post, BigInt(job.document.reward));
        if (id % 3n === 0n) await market.cancelJob(id);
      }
    }),
  );
}

/** Fields of a header, by their place in its RLP. */
const PARENT = 0;
const BLOOM = 6;
const NUMBER = 8;
const GAS_USED = 10;
const TIME = 11;
const TRANSACTIONS = 4;
const RECEIPTS = 5;

/** Root of an empty trie. */
const EMPTY_TRIE = keccak256(Uint8Array.of(0x80));
const EMPTY_BLOOM = new Uint8Array(256);

async function lengthen(directory: string, blocks: number): Promise<void> {
  const db = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
  });
  await db.open();
  const head = Number(BigInt(toHex((await db.get(keys.meta('head')))!)));
  const [headerRlp, , section, parentCommit] = decode((await db.get(keys.block(head)))!) as Uint8Array[];
  const commit = (await db.get(keys.commit(head)))!;
  const header = decode(headerRlp!) as Uint8Array[];
  header[BLOOM] = EMPTY_BLOOM;
  header[GAS_USED] = new Uint8Array(0);
  header[TRANSACTIONS] = EMPTY_TRIE;
  header[RECEIPTS] = EMPTY_TRIE;
  let parent = keccak256(headerRlp!);
  let time = Number(BigInt(toHex(header[TIME]!)));
  const step = Math.max(0, (Date.now() / 1_000 - time) / Math.max(1, blocks - head));
  const receipts = encode([]);
  for (let height = head + 1; height <= blocks; ) {
    const batch = db.batch();
    for (const end = Math.min(blocks, height + BATCH - 1); height <= end; height++) {
      time += Math.max(1, step);
      header[PARENT] = parent;
      header[NUMBER] = minimal(height);
      header[TIME] = minimal(Math.floor(time));
      const rlp = encode(header);
      parent = keccak256(rlp);
      const block = encode([rlp, [], section!, parentCommit!]);
      batch.put(keys.block(height), block);
      batch.put(keys.receipts(height), receipts);
      batch.put(keys.commit(height), commit);
      batch.put(keys.checks(height), checksOf({ block, commit, receipts }));
      batch.put(keys.bloom(height), EMPTY_BLOOM);
      batch.put(keys.heightByHash(parent), uintBytes(height, 8));
      batch.put(keys.meta('head'), uintBytes(height, 8));
    }
    await batch.write();
  }
  await db.close();
}

/** Big-endian without leading zeros, as RLP has integers. */
function minimal(value: number): Uint8Array {
  const bytes = uintBytes(value, 8);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}
