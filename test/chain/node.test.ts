import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { JsonRpcProvider, parseEther, Wallet } from 'ethers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createApplication, loadChainSpec, saveChainSpec } from '../../chain/index.ts';
import { type Hex, toHex } from '../../core/index.ts';
import { until } from '../storage/until.ts';
import { testSpec, testValidators } from './network-spec.ts';

const NODE = resolve('node_modules/.bin/node');
const wallet = new Wallet(`0x${'11'.repeat(32)}`);
const RECIPIENT = `0x${'22'.repeat(20)}`;
const validators = testValidators(4);
/** Generous: a height takes a second, starting a process many on a machine that runs other tests. */
const STEP_MS = 180_000;
const FOUR_STARTS_MS = 3 * STEP_MS;
/** Of a follower that has at least 16 blocks to fetch: when a height is on disk, and in the midst of the next ones. */
const KILLS = [
  { height: 4, afterMs: 0 },
  { height: 8, afterMs: 5 },
  { height: 13, afterMs: 1 },
];
const children: ChildProcess[] = [];
const providers: JsonRpcProvider[] = [];
vi.setConfig({ testTimeout: STEP_MS, hookTimeout: STEP_MS });
let directory: string;
let bootstrap: string[] = [];

/** A node as an operating-system process; 4 and up are followers. */
function launch(index: number, killedAt?: { height: number; afterMs: number }): ChildProcess {
  const dataDir = join(directory, `${index}`);
  const secretKey = validators[index] === undefined ? null : toHex(validators[index].secretKey);
  const input = {
    specPath: join(directory, 'chain.json'),
    dataDir,
    peerByte: index + 1,
    secretKey,
    bootstrap,
    ...(killedAt && { killedAt }),
  };
  const child = spawn(NODE, [resolve(import.meta.dirname, 'node-process.ts'), JSON.stringify(input)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Five processes load the same modules; compiling them once halves their start.
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
  });
  children[index] = child;
  return child;
}

async function start(index: number): Promise<void> {
  const dataDir = join(directory, `${index}`);
  const child = launch(index);
  await new Promise<void>((done, fail) => {
    child.stdout!.once('data', () => done());
    child.once('exit', (code) => fail(new TypeError(`chain node ${index} ended with ${code}`)));
  });
  const file = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8'));
  expect(file.pid).toBe(child.pid);
  if (bootstrap.length === 0) bootstrap = file.peerAddresses;
  providers[index]?.destroy();
  providers[index] = new JsonRpcProvider(file.rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
}

async function kill(index: number, signal: NodeJS.Signals): Promise<void> {
  const child = children[index]!;
  const gone = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await gone;
}

const height = (index: number): Promise<number> => providers[index]!.getBlockNumber();
/** A validator that was behind keeps quiet for a few blocks: its data directory could be an old copy. */
const votes = (index: number) =>
  until(async () => (await providers[index]!.send('fedai_status', [])).validator, 200);
const reaches = (index: number, least: number) => until(async () => (await height(index)) >= least, 200);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-chain-'));
  await saveChainSpec(
    join(directory, 'chain.json'),
    testSpec(validators, [wallet.address.toLowerCase() as Hex]),
  );
  await start(0);
  await Promise.all([start(1), start(2), start(3)]);
});
afterAll(async () => {
  for (const provider of providers) provider.destroy();
  await Promise.all(
    children.map((child, index) =>
      child.exitCode === null && child.signalCode === null ? kill(index, 'SIGKILL') : undefined,
    ),
  );
  await rm(directory, { recursive: true, force: true });
});

test('four processes reach height 10 and agree', async () => {
  await Promise.all([0, 1, 2, 3].map((index) => reaches(index, 10)));
  const hashes = await Promise.all(
    [0, 1, 2, 3].map(async (index) => (await providers[index]!.getBlock(10))!.hash),
  );
  expect(new Set(hashes).size).toBe(1);
  const status = await providers[0]!.send('fedai_status', []);
  expect(status.peers).toBe(3);
  expect(status.finalityMs.length).toBeGreaterThan(0);
  expect(status.finalityHeights.length).toBe(status.finalityMs.length);
  const peers = await providers[0]!.send('fedai_getPeers', []);
  expect(peers.map((one: { chainNode: boolean }) => one.chainNode)).toEqual([true, true, true]);
  // Who they are, not where.
  expect(JSON.stringify(peers)).not.toMatch(/ip4|127\.0\.0\.1|tcp/);
});

test('a transaction sent to one is mined and visible at all', async () => {
  const sent = await wallet.connect(providers[2]!).sendTransaction({ to: RECIPIENT, value: parseEther('1') });
  for (const index of [0, 1, 2, 3]) {
    await until(async () => (await providers[index]!.getTransactionReceipt(sent.hash)) !== null, 100);
    expect(await providers[index]!.getBalance(RECIPIENT)).toBe(parseEther('1'));
  }
});

test('goes on without one validator killed -9; restarted, it catches up and its vote counts', async () => {
  await kill(1, 'SIGKILL');
  const before = await height(0);
  await reaches(0, before + 3);
  await start(1);
  await reaches(1, before + 3);
  await votes(1);
  // With another one gone, three of four are needed: the restarted one among them.
  await kill(2, 'SIGKILL');
  await reaches(0, (await height(0)) + 3);
});

test(
  'a follower killed -9 again and again while it catches up goes on from where it was',
  async () => {
    const spec = await loadChainSpec(join(directory, 'chain.json'));
    let stored = 0;
    for (const killedAt of KILLS) {
      const child = launch(4, killedAt);
      let said = '';
      child.stdout!.on('data', (text) => {
        said += text;
      });
      const [, signal] = await once(child, 'close');
      expect(signal).toBe('SIGKILL');
      expect(said).toContain(`first ${stored + 1}\n`);
      const left = await createApplication({ spec, directory: join(directory, '4', 'chain') });
      stored = left.head.height;
      await left.close();
      expect(stored).toBeGreaterThanOrEqual(killedAt.height);
    }
    await start(4);
    const head = await height(0);
    await reaches(4, head);
    const [theirs, own] = await Promise.all([0, 4].map((index) => providers[index]!.getBlock(head)));
    expect([own!.hash, own!.stateRoot]).toEqual([theirs!.hash, theirs!.stateRoot]);
    expect(await providers[4]!.getBalance(RECIPIENT)).toBe(parseEther('1'));
  },
  FOUR_STARTS_MS,
);

test('a follower goes on without its bootstrap peer', async () => {
  expect((await providers[4]!.send('fedai_status', [])).validator).toBe(false);
  await start(2);
  await votes(2);
  await kill(0, 'SIGTERM');
  await expect(readFile(join(directory, '0', 'node.json'))).rejects.toThrow();
  await reaches(4, (await height(3)) + 3);
});
