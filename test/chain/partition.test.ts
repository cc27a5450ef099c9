/**
 * Four validators as processes, split in two and joined again; links stand still as with a pulled cable, or break.
 * `PARTITION_BY=namespaces` takes the kernel's own links instead of proxies: those can only be pulled.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { saveChainSpec } from '../../chain/index.ts';
import { ask } from '../../cli/devnet/ask.ts';
import { sleep, toHex } from '../../core/index.ts';
import { until } from '../storage/until.ts';
import type { CutOrder } from '../support/cutDials.ts';
import { createNamespaceNetwork } from '../support/namespaces.ts';
import { testSpec, testValidators } from './network-spec.ts';

const NODE = resolve('node_modules/.bin/node');
const BLOCK_MS = 1_000;
/** Of the cut in CI; `PARTITION_MS` makes it longer. */
const CUT_MS = Number(process.env.PARTITION_MS ?? 6_000);
const validators = testValidators(4);
const machines = process.env.PARTITION_BY === 'namespaces' ? createNamespaceNetwork([0, 0, 1, 1]) : undefined;
const refusal = typeof machines === 'string' ? machines : undefined;
const namespaces = typeof machines === 'string' ? undefined : machines;
if (refusal !== undefined) console.info(`no namespaces here, tests are skipped: ${refusal}`);
const MODES: [CutOrder['mode']][] = namespaces === undefined ? [['blackhole'], ['reset']] : [['blackhole']];
const children: ChildProcess[] = [];
const rpcs: string[] = [];
const ports: number[] = [];
vi.setConfig({ testTimeout: 300_000 + 2 * CUT_MS, hookTimeout: 300_000 });
let directory: string;

async function start(index: number, bootstrap: string[]): Promise<string[]> {
  const dataDir = join(directory, `${index}`);
  const secretKey = toHex(validators[index]!.secretKey);
  const input = {
    specPath: join(directory, 'chain.json'),
    dataDir,
    peerByte: index + 1,
    secretKey,
    bootstrap,
    ...(namespaces && { host: namespaces.address(index), rpcHost: namespaces.managementAddress(index) }),
  };
  const preload = ['--import', resolve('test/support/cutDials.ts')];
  const script = resolve(import.meta.dirname, 'node-process.ts');
  const options = namespaces === undefined ? preload : [];
  const [program = NODE, ...entering] = namespaces?.enter(index) ?? [];
  const node = program === NODE ? [] : [NODE];
  const args = [...entering, ...node, ...options, script, JSON.stringify(input)];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
  });
  children[index] = child;
  await new Promise<void>((done, fail) => {
    child.stdout!.once('data', () => done());
    child.once('exit', (code) => fail(new TypeError(`chain node ${index} ended with ${code}`)));
  });
  const file = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8'));
  rpcs[index] = file.rpcUrl;
  ports[index] = Number(/\/tcp\/(\d+)/.exec(file.peerAddresses[0])![1]);
  return file.peerAddresses;
}

beforeAll(async () => {
  if (refusal !== undefined) return;
  directory = await mkdtemp(join(tmpdir(), 'fedai-partition-'));
  await saveChainSpec(join(directory, 'chain.json'), testSpec(validators, [], BLOCK_MS));
  const bootstrap = await start(0, []);
  await Promise.all([1, 2, 3].map((index) => start(index, bootstrap)));
});
afterAll(async () => {
  if (refusal !== undefined) return;
  for (const child of children) child.kill('SIGKILL');
  namespaces?.remove();
  await rm(directory, { recursive: true, force: true });
});

const all = [0, 1, 2, 3];
function cut(mode: CutOrder['mode']): void {
  namespaces?.cut();
  if (namespaces !== undefined) return;
  for (const index of all) {
    const cutOff = all.filter((other) => other >> 1 !== index >> 1).map((other) => ports[other]!);
    children[index]!.send({ ports: cutOff, mode } satisfies CutOrder);
  }
}
function mend(mode: CutOrder['mode']): void {
  namespaces?.mend();
  if (namespaces !== undefined) return;
  for (const index of all) children[index]!.send({ ports: [], mode } satisfies CutOrder);
}
const heightOf = async (index: number): Promise<number> =>
  (await ask<{ height: number }>(rpcs[index]!, 'fedai_status'))?.height ?? -1;
const heights = () => Promise.all(all.map(heightOf));
const allReach = (least: number) => until(async () => Math.min(...(await heights())) >= least, 50);

test.skipIf(refusal !== undefined).each(MODES)(
  'two against two (%s): no block on either side, and the chain goes on when it heals',
  async (mode) => {
    await allReach(Math.max(...(await heights())) + 2);
    cut(mode);
    // What was on its way may still decide the height in progress.
    await sleep(2 * BLOCK_MS);
    const before = await heights();
    await sleep(CUT_MS);
    expect(await heights()).toEqual(before);
    expect(Math.max(...before) - Math.min(...before)).toBeLessThanOrEqual(1);
    const healedAt = performance.now();
    mend(mode);
    await allReach(Math.max(...before) + 1);
    const blockTimes = (performance.now() - healedAt) / BLOCK_MS;
    await allReach(Math.max(...before) + 3);
    const common = Math.max(...before) + 2;
    const hashes = await Promise.all(
      all.map(async (index) => {
        const tag = `0x${common.toString(16)}`;
        return (await ask<{ hash: string }>(rpcs[index]!, 'eth_getBlockByNumber', [tag, false]))?.hash;
      }),
    );
    expect(new Set(hashes).size).toBe(1);
    console.log(
      `cut of ${CUT_MS / 1000} s (${namespaces ? 'namespaces' : mode}): next block everywhere after ${blockTimes.toFixed(1)} block times`,
    );
  },
);
