/** Hostile peers of every kind at once against a chain node: each is cut off, and blocks go on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createChainNode } from '../../chain/node.ts';
import { silentLog } from '../../core/index.ts';
import { until } from '../storage/until.ts';
import { testSpec, testValidators } from './network-spec.ts';

const NODE = resolve('node_modules/.bin/node');
const MODES = ['junk', 'large', 'requests', 'oversized', 'drip', 'mutants'] as const;
const [validator] = testValidators(1) as [ReturnType<typeof testValidators>[0]];
const spec = testSpec([validator], [], 500);
const attackers: ChildProcess[] = [];
const nodes: Awaited<ReturnType<typeof createChainNode>>[] = [];
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
let directory: string;

async function start(name: string, bootstrap: string[], validates: boolean) {
  const node = await createChainNode({
    spec,
    dataDir: join(directory, name),
    ...(validates && { keys: { validatorSecretKey: validator.secretKey, address: validator.address } }),
    peerPrivateKey: new Uint8Array(32).fill(name.charCodeAt(0)),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap,
    rpc: { host: '127.0.0.1', port: 0 },
    log: silentLog,
  });
  nodes.push(node);
  return node;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fedai-flood-'));
});
afterAll(async () => {
  for (const child of attackers) child.kill('SIGKILL');
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(directory, { recursive: true, force: true });
});

/** Resolves when the attacker says that it is cut off. */
function launch(
  mode: string,
  ...addresses: [target: string, source?: string]
): { attacking: Promise<void>; cutOff: Promise<void> } {
  const script = resolve(import.meta.dirname, 'attacker.ts');
  const [target, ...source] = addresses as string[];
  const child = spawn(NODE, [script, mode, target!, String(spec.chainId), ...source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
  });
  attackers.push(child);
  let heard = '';
  const says = (words: string) => {
    const said = new Promise<void>((done, fail) => {
      child.stdout.on('data', (text) => {
        heard += text;
        if (heard.includes(words)) done();
      });
      child.once('exit', (code) => code !== 0 && fail(new TypeError(`${mode} ended with ${code}`)));
    });
    said.catch(() => {});
    return said;
  };
  return { attacking: says('attacking'), cutOff: says('cut off') };
}

test('each attacker is cut off; blocks go on, and the honest follower keeps up and keeps its place', async () => {
  const victim = await start('victim', [], true);
  const [address] = victim.addresses() as [string];
  const follower = await start('follower', [address], false);
  await until(() => follower.status().height >= 3, 50);
  const attacks = MODES.map((mode) => launch(mode, address));
  await Promise.all(attacks.map((attack) => attack.attacking));
  // One that is thrown out finds the door shut by the half-open connections; those come last.
  attacks.push(launch('halfOpen', address));
  const before = victim.status().height;
  await until(() => victim.status().height >= before + 10, 50);
  await Promise.all(attacks.map((attack) => attack.cutOff));
  const after = victim.status().height;
  expect(after).toBeGreaterThanOrEqual(before + 10);
  await until(() => follower.status().height >= after, 50);
  // One that only answers, to a node that asks everybody since it is new.
  const late = await start('late', [address], false);
  const [lateAddress] = late.addresses() as [string];
  const liar = launch('liar', lateAddress, address);
  await liar.cutOff;
  await until(() => late.status().height >= after, 50);
  await until(() => late.status().height >= victim.status().height - 1, 50);
  await late.stop();
  // Nobody is left but the follower, which was never taken for one of them.
  await until(() => victim.status().peers === 1, 50);
});
