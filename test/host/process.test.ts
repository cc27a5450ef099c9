/** Whole processes in trouble with their machine: they refuse or stop cleanly with code 4, lose nothing, and go on after a restart. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openLocalStore } from '../../storage/index.ts';
import { fedai } from '../cli/run.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const FEDAI = fileURLToPath(new URL('../../cli/fedai.js', import.meta.url));
const MISBEHAVES = fileURLToPath(new URL('./action.child.ts', import.meta.url));
const FILLS = fileURLToPath(new URL('./full.child.ts', import.meta.url));
const JUMPING = fileURLToPath(new URL('./jumpingClock.ts', import.meta.url));
let folder: string;
/** Arguments of a validator that is its whole chain, a block every 100 ms. */
let validator: string[];
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-host-'));
  const dataDir = join(folder, 'v0');
  const spec = join(folder, 'chain.json');
  expect((await fedai(['key', 'new', '--data-dir', dataDir, '--light'])).code).toBe(0);
  const publicKeys = join(dataDir, 'keys', 'public.json');
  const made = ['chain', 'spec', '--validator', publicKeys, '--output', spec, '--block-time', '100'];
  expect((await fedai(made)).code).toBe(0);
  validator = ['chain', 'run', '--validator', '--chain-spec', spec, '--data-dir', dataDir, '--json'];
  validator.push('--rpc-port', '0', '--listen', '/ip4/127.0.0.1/tcp/0');
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  event(name: string): Promise<Record<string, unknown>>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function start(
  command: string,
  args: readonly string[],
  stdout: 'pipe' | number = 'pipe',
  extra: Record<string, string> = {},
): Run {
  const env = { ...process.env, FEDAI_PASSWORD: 'test', ...extra };
  const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'], env });
  started.push(child);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (text) => {
    out += text;
  });
  child.stderr!.on('data', (text) => {
    err += text;
  });
  const find = (name: string) => out.split('\n').find((line) => line.startsWith(`{"event":"${name}"`));
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    async event(name) {
      await vi.waitUntil(() => find(name) !== undefined || child.exitCode !== null, { timeout: 120_000 });
      expect(find(name), err).toBeDefined();
      return JSON.parse(find(name)!);
    },
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal })),
  };
}

const run = (args: readonly string[]): Run => start(process.execPath, [FEDAI, ...args]);
/** `limits` in the words of bash's ulimit. */
const runLimited = (limits: string, args: readonly string[]): Run =>
  start('bash', ['-c', `ulimit ${limits} && exec "$0" "$@"`, process.execPath, FEDAI, ...args]);

async function heightAt(rpc: unknown): Promise<number> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}';
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(String(rpc), { method: 'POST', headers, body });
  return Number(((await answer.json()) as { result: string }).result);
}

describe('a chain node', () => {
  it('refuses a limit of open files that it would run into', async () => {
    const { ended, event } = runLimited('-n 64', validator);
    expect(await event('error')).toMatchObject({ code: 'TOO_MANY_FILES', remedy: expect.any(String) });
    expect(await ended).toEqual({ code: 4, signal: null });
  });

  it('refuses what cannot be a data directory, before it asks for keys', async () => {
    const file = join(folder, 'file');
    await writeFile(file, 'x');
    const { code, events } = await fedai([...validator, '--data-dir', file]);
    expect(events[0]).toMatchObject({ code: 'DATA_DIR_UNUSABLE', remedy: expect.any(String) });
    expect(code).toBe(4);
  });

  it('refuses a read-only file system', async (context) => {
    const place = join(folder, 'readonly');
    await mkdir(place);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=8m', 'none', place]).status === 0;
    if (!mounted) return context.skip('mounting is not permitted here');
    try {
      const { code, events } = await fedai([...validator, '--data-dir', place]);
      expect(events[0]).toMatchObject({ code: 'READ_ONLY', remedy: expect.any(String) });
      expect(code).toBe(4);
    } finally {
      spawnSync('umount', [place]);
    }
  });

  it('stops when a file can grow no further, signs nothing more, and goes on where it was when there is room', async () => {
    // In KiB: genesis and a dozen heights fit.
    const full = runLimited('-f 240', validator);
    const { rpc } = await full.event('ready');
    let seen = 0;
    while (full.child.exitCode === null) seen = await heightAt(rpc).catch(() => seen);
    expect(await full.ended).toEqual({ code: 4, signal: null });
    expect(await full.event('error')).toMatchObject({ code: 'DISK_FULL', remedy: expect.any(String) });
    expect(full.stderr().match(/\[DISK_FULL\]/g)).toHaveLength(1);
    expect(existsSync(join(folder, 'v0', 'node.json'))).toBe(false);
    const signed = JSON.parse(await readFile(join(folder, 'v0', 'consensus', 'sign-state.json'), 'utf8'));

    const again = run(validator);
    const ready = await again.event('ready');
    expect(ready.height).toBeGreaterThanOrEqual(Math.max(seen, 5));
    // At most the height in progress was signed without being stored.
    expect(signed.height).toBeLessThanOrEqual(Number(ready.height) + 1);
    await vi.waitUntil(async () => (await heightAt(ready.rpc)) > signed.height + 1, { timeout: 120_000 });
    again.child.kill('SIGTERM');
    expect(await again.ended).toEqual({ code: 0, signal: null });
    expect(again.stderr()).not.toMatch(/not signed|"level":"error"/);
  });

  it('ends when asked to at any moment of its start, and starts again', async () => {
    for (const afterMs of [150, 600, 1_200]) {
      const early = run(validator);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      early.child.kill('SIGTERM');
      const { code, signal } = await early.ended;
      // Before it listens for signals there is nothing to clean up.
      expect([0, 130, 'SIGTERM']).toContain(code ?? signal);
      expect(early.stderr()).not.toMatch(/ {4}at /);
    }
    const last = run(validator);
    await last.event('ready');
    last.child.kill('SIGTERM');
    expect(await last.ended).toEqual({ code: 0, signal: null });
  });

  it('refuses what rotted, and says what to do', async () => {
    const damages = [
      ['consensus/sign-state.json', 'SIGN_STATE_CORRUPT'],
      ['chain/CURRENT', 'DATABASE_DAMAGED'],
      ['peer/records/CURRENT', 'DATA_DAMAGED'],
    ] as const;
    for (const [file, code] of damages) {
      const copy = join(folder, 'rotten');
      await rm(copy, { recursive: true, force: true });
      await cp(join(folder, 'v0'), copy, { recursive: true });
      await writeFile(join(copy, file), 'rot');
      const refused = await fedai([...validator, '--data-dir', copy]);
      expect(refused.events[0]).toMatchObject({ code, remedy: expect.any(String) });
      expect(refused.code).toBe(4);
    }
  });

  it('goes on when its clock jumps by hours, while it runs and between two runs', async () => {
    const jumps = { FEDAI_TEST_JUMPS: '2,-3,5' };
    const jumping = start(process.execPath, ['--import', JUMPING, FEDAI, ...validator], 'pipe', jumps);
    const { rpc } = await jumping.event('ready');
    const growsFrom = (height: number) =>
      vi.waitUntil(async () => (await heightAt(rpc)) > height + 2, { timeout: 120_000 });
    await growsFrom(await heightAt(rpc));
    for (const hours of [-3, 5]) {
      jumping.child.kill('SIGUSR2');
      await vi.waitUntil(() => jumping.stderr().includes(`clock ${hours * 3_600_000}`), { timeout: 60_000 });
      await growsFrom(await heightAt(rpc));
    }
    jumping.child.kill('SIGTERM');
    expect(await jumping.ended).toEqual({ code: 0, signal: null });
    const after = run(validator);
    const { height, rpc: next } = await after.event('ready');
    await vi.waitUntil(async () => (await heightAt(next)) > Number(height) + 2, { timeout: 120_000 });
    after.child.kill('SIGTERM');
    expect(await after.ended).toEqual({ code: 0, signal: null });
  });

  it('killed for memory, goes on after a restart', async () => {
    const heap = start(process.execPath, ['--max-old-space-size=24', FEDAI, ...validator]);
    const { code, signal } = await heap.ended;
    expect(String(signal ?? code)).toMatch(/^(SIG|134)/);
    const after = run(validator);
    expect(Number((await after.event('ready')).height)).toBeGreaterThan(1);
    after.child.kill('SIGTERM');
    expect(await after.ended).toEqual({ code: 0, signal: null });
  });
});

describe('what a worker or evaluator keeps', () => {
  const fill = (place: string, what: string) =>
    start('bash', ['-c', 'ulimit -f 1024 && exec "$0" "$@"', process.execPath, FILLS, place, what]);

  it('a content store that is full says so, and gives back what it took', async () => {
    const place = join(folder, 'full-store');
    const filled = fill(place, 'store');
    const full = await filled.event('full');
    await filled.ended;
    expect(full).toMatchObject({ code: 'DISK_FULL', told: ['DISK_FULL'] });
    const cids = full.cids as string[];
    expect(cids.length).toBeGreaterThan(3);
    const store = await openLocalStore(join(place, 'store'));
    for (const cid of cids) expect(await store.content.hasLocal(cid)).toBe(true);
    await store.close();
  });

  it('a file that finds no room stays as it was', async () => {
    const place = join(folder, 'full-file');
    const full = fill(place, 'file');
    expect(await full.event('full')).toMatchObject({ code: 'DISK_FULL' });
    await full.ended;
    const kept = await readFile(join(place, 'state.bin'));
    // The last that fits into 1 MiB, whole.
    expect(kept.length).toBe(1024 * 1024);
    expect(new Set(kept).size).toBe(1);
    expect((await readdir(place)).toSorted()).toEqual(['state.bin', 'store']);
  });
});

describe('any command', () => {
  const misbehave = (mode: string, stdout: 'pipe' | number = 'pipe') =>
    start(process.execPath, [MISBEHAVES, mode], stdout);

  it('that does not stop is ended by a second signal', async () => {
    const deaf = misbehave('deaf');
    await deaf.event('ready');
    deaf.child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(deaf.child.exitCode).toBeNull();
    deaf.child.kill('SIGTERM');
    expect(await deaf.ended).toEqual({ code: 130, signal: null });
  });

  it('ends with a coded error when a promise fails that nobody waits for', async () => {
    const rejects = misbehave('rejects');
    expect(await rejects.event('error')).toMatchObject({ code: 'UNHEARD' });
    expect(await rejects.ended).toEqual({ code: 1, signal: null });
  });

  it('stops cleanly on trouble of the machine, and says it once', async () => {
    const fails = misbehave('fails');
    expect(await fails.ended).toEqual({ code: 4, signal: null });
    expect(fails.stdout().match(/DISK_FULL/g)).toHaveLength(1);
  });

  it('goes quietly when its reader is gone', async () => {
    const talks = misbehave('talks');
    await talks.event('ready');
    talks.child.stdout!.destroy();
    expect((await talks.ended).code).toBe(0);
    expect(talks.stderr()).toBe('');
  });

  it.runIf(existsSync('/dev/full'))('stops when its output finds no room', async () => {
    const talks = misbehave('talks', openSync('/dev/full', 'w'));
    expect(await talks.ended).toEqual({ code: 4, signal: null });
    expect(talks.stderr()).toContain('[DISK_FULL]');
  });
});
