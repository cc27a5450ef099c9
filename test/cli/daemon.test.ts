/** A daemon whose RPC is away: it says so, tries again with back-off, goes on when the RPC is back, and ends with 0 when told to. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { saveChainSpec } from '../../chain/index.ts';
import type { Hex } from '../../core/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { fedai } from './run.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const FEDAI = fileURLToPath(new URL('../../cli/fedai.js', import.meta.url));
let folder: string;
let network: MarketChain;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-cli-'));
  const { events } = await fedai(['key', 'new', '--data-dir', join(folder, 'worker'), '--light', '--json']);
  network = await startMarketChain({ balances: { [events[0]!.address as Hex]: 1_000n * TRAIN } });
  await saveChainSpec(join(folder, 'chain.json'), network.chain.spec);
});
afterAll(async () => {
  await network?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Passes requests on to the chain once it listens; nobody answers on its port before. */
function frontDoor() {
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(network.rpcUrl, { method: 'POST', headers, body: Buffer.concat(parts) });
    response.writeHead(answer.status, headers).end(await answer.text());
  });
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    listen,
    port: () => (server.address() as { port: number }).port,
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

it('waits for its RPC, enrols, and stops when asked', async () => {
  const door = frontDoor();
  await door.listen(0);
  const port = door.port();
  await door.close();
  const args = ['--chain-spec', join(folder, 'chain.json'), '--rpc', `http://127.0.0.1:${port}`];
  const party = ['--data-dir', join(folder, 'worker'), '--listen', '/ip4/127.0.0.1/tcp/0', '--stake', '10'];
  const child = spawn(process.execPath, [FEDAI, 'worker', 'run', ...args, ...party, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, FEDAI_PASSWORD: 'test' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  try {
    await vi.waitUntil(() => stderr.includes('"attempt":2'), { timeout: 60_000 });
    expect(stderr).toContain('RPC_UNAVAILABLE');
    expect(stdout).not.toContain('"ready"');
    await door.listen(port);
    await vi.waitUntil(() => stdout.includes('"event":"ready"'), { timeout: 60_000 });
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  } finally {
    child.kill('SIGKILL');
    await door.close();
  }
});
