/** Bad input that a command finds by itself, with no chain: each a message, a remedy, an exit code, and nothing half-written. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fedai } from './run.ts';

let folder: string;
let chainFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-cli-'));
  chainFile = join(folder, 'chain.json');
  const address = `0x${'11'.repeat(20)}`;
  const contracts = {
    staking: address,
    jobManager: address,
    workerRegistry: address,
    beaconHistory: address,
  };
  await writeFile(
    chainFile,
    JSON.stringify({
      format: 'fedai-chain/1',
      name: 'test',
      chainId: 1,
      contracts,
      validators: [],
      bootstrap: [],
    }),
  );
  await writeFile(join(folder, 'broken.json'), '{');
  await writeFile(join(folder, 'other.json'), '{"format":"else"}');
  await writeFile(join(folder, 'bytes'), new Uint8Array(10));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A name that never resolves (RFC 6761). */
const AWAY = 'http://fedai.invalid:8545';

describe('bad input', () => {
  const cases: [name: string, args: (at: string) => string[], code: number, error: string][] = [
    ['an unknown command', () => ['jib'], 2, 'unknown command'],
    ['an unknown option', () => ['predict', 'm', 'i', '--bogus'], 2, 'unknown option'],
    [
      'a job number that is none',
      (at) => ['job', 'watch', 'one', '--chain-spec', join(at, 'chain.json')],
      2,
      'expected a job number',
    ],
    [
      'an RPC that is no address',
      (at) => ['job', 'list', '--chain-spec', join(at, 'chain.json'), '--rpc', 'localhost'],
      2,
      'expected an address',
    ],
    ['a port out of range', () => ['devnet', '--rpc-port', '70000'], 2, 'whole number from 0 to 65535'],
    ['more evaluators than a job may have', () => ['devnet', '--evaluators', '17'], 2, 'from 3 to 15'],
    ['an even number of evaluators', () => ['devnet', '--evaluators', '4'], 2, '[BAD_COUNT]'],
    ['no chain-spec file', (at) => ['job', 'list', '--chain-spec', join(at, 'none')], 2, '[NO_CHAIN_SPEC]'],
    [
      'a broken chain-spec file',
      (at) => ['job', 'list', '--chain-spec', join(at, 'broken.json')],
      2,
      '[BAD_JSON]',
    ],
    [
      'another chain-spec file',
      (at) => ['job', 'list', '--chain-spec', join(at, 'other.json')],
      2,
      '[BAD_CHAIN_SPEC]',
    ],
    [
      'an RPC that is away',
      (at) => ['job', 'list', '--chain-spec', join(at, 'chain.json'), '--rpc', AWAY],
      3,
      '[RPC_UNAVAILABLE]',
    ],
    [
      'keys that are not there',
      (at) => [
        'job',
        'cancel',
        '1',
        '--chain-spec',
        join(at, 'chain.json'),
        '--data-dir',
        join(at, 'nobody'),
      ],
      2,
      '[MISSING_KEYS]',
    ],
    [
      'a data source of another kind',
      (at) => ['data', 'import', 'hdf5:x', '--data-dir', join(at, 'client')],
      2,
      '[BAD_SOURCE]',
    ],
    [
      'a data folder without data',
      (at) => ['data', 'import', `idx:${at}`, '--data-dir', join(at, 'client')],
      2,
      '[DATA_NOT_FOUND]',
    ],
    ['a model file that is none', (at) => ['predict', join(at, 'bytes'), 'demo:1'], 2, '[BAD_MODEL_FILE]'],
    [
      'a model file that is not there',
      (at) => ['predict', join(at, 'no.safetensors'), 'demo:1'],
      2,
      '[ENOENT]',
    ],
    [
      'public keys that are none',
      (at) => ['chain', 'spec', '--validator', join(at, 'other.json'), '--output', join(at, 'new.json')],
      2,
      '[BAD_VALIDATOR_FILE]',
    ],
    [
      'a balance that is none',
      (at) => ['chain', 'spec', '--validator', join(at, 'other.json'), '--balance', 'x=1'],
      2,
      'expected ADDRESS=AMOUNT',
    ],
    [
      'a job document that is none',
      (at) => ['job', 'post', join(at, 'other.json'), '--chain-spec', join(at, 'chain.json')],
      2,
      '[BAD_JOB]',
    ],
  ];

  it.each(cases)('%s: message, remedy, exit code', async (_name, args, code, error) => {
    const outcome = await fedai(args(folder));
    expect(outcome.stderr).toContain(error);
    expect(outcome.stderr).toContain('remedy: ');
    expect(outcome.code).toBe(code);
    expect(outcome.stdout).toBe('');
  });

  it('leaves nothing half-written', async () => {
    expect((await readdir(folder)).toSorted()).toEqual(['broken.json', 'bytes', 'chain.json', 'other.json']);
  });

  it('with --json also comes as one event on stdout', async () => {
    const { code, events } = await fedai(['job', 'list', '--chain-spec', join(folder, 'none'), '--json']);
    expect(code).toBe(2);
    expect(events).toEqual([
      expect.objectContaining({ event: 'error', code: 'NO_CHAIN_SPEC', remedy: expect.any(String) }),
    ]);
  });

  it('a port in use is said before anything starts', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const outcome = await fedai(['devnet', '--rpc-port', String(port)]);
    server.close();
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/\[PORT_IN_USE\][\s\S]*remedy: .*--rpc-port/);
  });
});

describe('keys', () => {
  it('are made once, recovered from their phrase, and never overwritten', async () => {
    const dataDir = join(folder, 'party');
    const made = await fedai(['key', 'new', '--data-dir', dataDir, '--light', '--json']);
    expect(made.code).toBe(0);
    const { phrase, address } = made.events[0] as { phrase: string; address: string };
    expect(phrase.split(' ')).toHaveLength(24);
    const again = await fedai(['key', 'new', '--data-dir', dataDir, '--light']);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('[EXISTS]') });
    const recovered = await fedai(
      ['key', 'new', '--data-dir', join(folder, 'again'), '--recover', '--light', '--json'],
      { FEDAI_PHRASE: phrase },
    );
    expect(recovered.events[0]).toMatchObject({ address });
    expect(recovered.stdout).not.toContain(phrase);
  });

  it('refuse a wrong phrase, a wrong password and no password', async () => {
    const fresh = ['key', 'new', '--data-dir', join(folder, 'fresh'), '--light'];
    const wrongPhrase = await fedai([...fresh, '--recover'], { FEDAI_PHRASE: 'abandon abandon about' });
    expect(wrongPhrase).toMatchObject({ code: 2, stderr: expect.stringContaining('[BAD_PHRASE]') });
    const noPassword = await fedai(fresh, { FEDAI_PASSWORD: undefined });
    expect(noPassword).toMatchObject({ code: 2, stderr: expect.stringContaining('[MISSING_PASSWORD]') });
    const cancel = ['job', 'cancel', '1', '--chain-spec', chainFile, '--data-dir', join(folder, 'party')];
    const wrongPassword = await fedai(cancel, { FEDAI_PASSWORD: 'other' });
    expect(wrongPassword).toMatchObject({ code: 2, stderr: expect.stringContaining('[WRONG_PASSWORD]') });
  });
});
