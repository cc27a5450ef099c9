/** Running daemons against docs/metrics.md, their health, and their logs against their secrets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { toHex } from '../../core/index.ts';
import { deriveKeys } from '../../core/keys/index.ts';
import { until } from '../storage/until.ts';
import { fedai } from './run.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const FEDAI = fileURLToPath(new URL('../../cli/fedai.js', import.meta.url));
const PASSWORD = 'correct-horse-battery';
const PARTIES = ['chain', 'worker', 'evaluator'] as const;
const environment = { FEDAI_PASSWORD: PASSWORD };
let folder: string;
const children: ChildProcess[] = [];
/** All that the daemons wrote. */
let written = '';
let phrases: string[] = [];
const urls: Record<string, string> = {};

/** Starts a daemon; answers its event `name`. */
async function start(args: string[], name: string): Promise<Record<string, unknown>> {
  const common = [
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
    '--metrics-port',
    '0',
    '--json',
    '--log-level',
    'debug',
  ];
  const child = spawn(process.execPath, [FEDAI, ...args, ...common], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  children.push(child);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
    written += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written += text;
  });
  let event: Record<string, unknown> | undefined;
  await until(() => {
    if (child.exitCode !== null) throw new TypeError(`${args[0]} ended with ${child.exitCode}: ${written}`);
    const lines = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    event = lines.find((line) => line.event === name);
    return event !== undefined;
  });
  return event!;
}

const get = (party: string, path: string) => fetch(`${urls[party]}${path}`);
const isReady = async (party: string) => (await get(party, '/readyz')).status === 200;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-metrics-'));
  const at = (name: string) => join(folder, name);
  const made = await Promise.all(
    PARTIES.map((party) => fedai(['key', 'new', '--data-dir', at(party), '--light', '--json'], environment)),
  );
  phrases = made.map(({ events }) => String(events[0]!.phrase));
  const balances = made.flatMap(({ events }) => ['--balance', `${events[0]!.address}=1000`]);
  const spec = ['--chain-spec', at('chain.json')];
  const publicKeys = join(at('chain'), 'keys', 'public.json');
  const outcome = await fedai(
    ['chain', 'spec', '--validator', publicKeys, ...balances, '--output', at('chain.json'), '--json'],
    environment,
  );
  expect(outcome.code, outcome.stderr).toBe(0);
  const chain = await start(
    ['chain', 'run', '--validator', ...spec, '--data-dir', at('chain'), '--rpc-port', '0'],
    'ready',
  );
  urls.chain = String(chain.metricsUrl);
  const bootstrap = (chain.addresses as string[])[0]!;
  const access = [...spec, '--rpc', String(chain.rpc), '--bootstrap', bootstrap];
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'made_up', params: [] });
  await fetch(String(chain.rpc), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  for (const role of ['worker', 'evaluator']) {
    const event = await start([role, 'run', ...access, '--data-dir', at(role)], 'started');
    urls[role] = String(event.metricsUrl);
  }
  for (const party of PARTIES) await until(() => isReady(party), 200);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

it('every metric is on the page and every metric of the page is told', async () => {
  const page = await readFile(fileURLToPath(new URL('../../docs/metrics.md', import.meta.url)), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `fedai_'));
  const documented = rows.flatMap((row) => {
    const [name, type, , by, help] = row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const parties = by === 'all' ? PARTIES : by!.split(', ');
    return parties.map((party) => `${party} ${name!.replaceAll('`', '')} ${type} ${help}`);
  });
  const told: string[] = [];
  for (const party of PARTIES) {
    const text = await (await get(party, '/metrics')).text();
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    for (const [, name, help, type] of text.matchAll(/^# HELP (fedai_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)) {
      told.push(`${party} ${name} ${type} ${help}`);
    }
  }
  expect(told.toSorted()).toEqual(documented.toSorted());
});

it('labels hold no account, peer or name that a caller made up', async () => {
  const texts = await Promise.all(PARTIES.map(async (party) => (await get(party, '/metrics')).text()));
  expect(texts.join('\n')).not.toMatch(/0x[0-9a-f]{40}|12D3Koo|made_up/i);
  expect(texts[0]).toMatch(/fedai_rpc_requests_total\{method="other",outcome="error"\} 1/);
  expect(texts[0]).toMatch(/fedai_chain_height [1-9]/);
  expect(texts[1]).toMatch(/fedai_rpc_client_requests_total\{method="eth_blockNumber",outcome="ok"\} [1-9]/);
});

it('is healthy, and answers nothing else', async () => {
  for (const party of PARTIES) {
    expect(await (await get(party, '/healthz')).json()).toEqual({ status: 'ok', reasons: {} });
  }
  expect((await get('chain', '/')).status).toBe(404);
  expect((await fetch(`${urls.chain}/metrics`, { method: 'POST' })).status).toBe(405);
});

it('a worker whose chain is gone is healthy but not ready, and no daemon wrote a secret', async () => {
  children[0]!.kill('SIGKILL');
  await until(async () => !(await isReady('worker')), 200);
  expect((await get('worker', '/healthz')).status).toBe(200);
  const { reasons } = (await (await get('worker', '/readyz')).json()) as { reasons: object };
  expect(Object.keys(reasons)).toEqual(['rpc']);
  expect(written).not.toContain(PASSWORD);
  for (const phrase of phrases) {
    expect(phrase.split(' ').length).toBeGreaterThanOrEqual(12);
    const secrets = secretsOf(await deriveKeys(phrase));
    expect(secrets.length).toBeGreaterThanOrEqual(4);
    for (const secret of [phrase, ...secrets]) expect(written.includes(secret)).toBe(false);
  }
});

/** Every secret among derived keys, as hex, base64 and a list of numbers. */
function secretsOf(keys: object): string[] {
  return Object.values(keys).flatMap((pair: Record<string, unknown>) =>
    Object.entries(pair).flatMap(([name, value]) =>
      /private|secret/i.test(name) && value instanceof Uint8Array
        ? [toHex(value).slice(2), Buffer.from(value).toString('base64'), [...value].join(',')]
        : [],
    ),
  );
}
