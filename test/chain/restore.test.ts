/** A validator on an old copy of its data directory, and all validators back at once. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { decodeConsensusMessage } from '../../chain/consensus/index.ts';
import { type ChainNode, createChainNode } from '../../chain/index.ts';
import { consensusTopic } from '../../chain/network/index.ts';
import { silentLog, toHex } from '../../core/index.ts';
import { createPeer, type Peer } from '../../storage/index.ts';
import { until } from '../storage/until.ts';
import { testSpec, testValidators } from './network-spec.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
const validators = testValidators(4);
const spec = testSpec(validators, [], 400);
const COPIED = 3;
let directory: string;
let nodes: (ChainNode | undefined)[];
let spy: Peer;
/** What validator 3 signed, by step. */
let signed: Map<string, Set<string>>;

async function start(index: number, name = `${index}`): Promise<void> {
  nodes[index] = await createChainNode({
    spec,
    dataDir: join(directory, name),
    keys: { validatorSecretKey: validators[index]!.secretKey, address: validators[index]!.address },
    peerPrivateKey: new Uint8Array(32).fill(index + 1),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: spy.addresses(),
    rpc: { host: '127.0.0.1', port: 0 },
    log: silentLog,
  });
}
async function stop(index: number): Promise<void> {
  await nodes[index]?.stop();
  nodes[index] = undefined;
}
const heightOf = (index: number): number => nodes[index]!.status().height;
const reaches = (index: number, height: number) => until(() => heightOf(index) >= height);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-restore-'));
  nodes = [];
  signed = new Map();
  spy = await createPeer({
    dataDir: join(directory, 'spy'),
    peerPrivateKey: new Uint8Array(32).fill(99),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    log: silentLog,
  });
  spy.gossip.subscribe(consensusTopic(BigInt(spec.chainId)), async (bytes) => {
    const message = decodeConsensusMessage(bytes);
    if (message.kind === 'vote' && message.validator === COPIED) {
      const step = `${message.height}/${message.round}/${message.type}`;
      const content = message.blockHash === null ? 'nil' : toHex(message.blockHash);
      signed.set(step, (signed.get(step) ?? new Set()).add(content));
    }
    return { verdict: 'accept' };
  });
  await Promise.all([0, 1, 2, 3].map((index) => start(index)));
});
afterEach(async () => {
  await Promise.all([0, 1, 2, 3].map(stop));
  await spy.stop();
  await rm(directory, { recursive: true, force: true });
});

test('an old copy signs nothing that the original may have signed, and joins later', async () => {
  await reaches(COPIED, 2);
  await stop(COPIED);
  await cp(join(directory, '3'), join(directory, 'copy'), { recursive: true });
  const copied = Math.max(...[0, 1, 2].map(heightOf));
  await start(COPIED);
  await until(() => nodes[COPIED]!.status().validator && heightOf(COPIED) >= copied + 5);
  await stop(COPIED);
  const before = new Set(signed.keys());
  await start(COPIED, 'copy');
  const joined = () =>
    nodes[COPIED]!.status().validator && [...signed.keys()].filter((step) => !before.has(step)).length > 2;
  await until(joined);
  for (const [step, contents] of signed) expect([step, contents.size]).toEqual([step, 1]);
});

test('four that stopped together go on together', async () => {
  await reaches(0, 2);
  await Promise.all([0, 1, 2, 3].map(stop));
  await Promise.all([0, 1, 2, 3].map((index) => start(index)));
  const height = Math.max(...[0, 1, 2, 3].map(heightOf));
  await Promise.all([0, 1, 2, 3].map((index) => reaches(index, height + 2)));
  for (const [step, contents] of signed) expect([step, contents.size]).toEqual([step, 1]);
});
