/** Bad input that shows only against a chain: money, stake, data sets and jobs that are not there. Real commands, real RPC. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { saveChainSpec } from '../../chain/index.ts';
import type { Hex } from '../../core/index.ts';
import { type MarketChain, startMarketChain, TRAIN } from '../support/marketChain.ts';
import { toyModel, toyRecipe, toyRecords } from '../support/toy.ts';
import { fedai, type Outcome } from './run.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let folder: string;
let network: MarketChain;
let manifests: Record<string, string>;
const at = (name: string): string => join(folder, name);

function idx(dims: number[], data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, 8, dims.length]);
  for (const [i, dim] of dims.entries()) header.writeUInt32BE(dim, 4 + 4 * i);
  return Buffer.concat([header, data]);
}

async function writeToyIdx(directory: string): Promise<void> {
  await mkdir(directory);
  for (const [set, count] of [
    ['train', 96],
    ['t10k', 32],
  ] as const) {
    const { inputs, labels } = toyRecords(count, set);
    await writeFile(join(directory, `${set}-images-idx3-ubyte`), idx([count, 8, 8], inputs));
    await writeFile(join(directory, `${set}-labels-idx1-ubyte`), idx([count], labels));
  }
}

const job = {
  format: 'fedai-job/1',
  name: 'toy',
  model: toyModel,
  recipe: toyRecipe,
  training: { mode: 'federated', rounds: 2, stepsPerRound: 2, workers: 2 },
  evaluators: 3,
  targetScorePpm: 0,
  minimumBands: 0,
  roundTimeoutMs: 10_000,
  deadlines: {
    volunteerBlocks: 5,
    roundBlocks: 50,
    resultBlocks: 50,
    keyBlocks: 50,
    commitBlocks: 50,
    revealBlocks: 50,
  },
  reward: (10n * TRAIN).toString(),
  workerStake: (10n * TRAIN).toString(),
};

async function newKeys(name: string): Promise<Hex> {
  const { events } = await fedai(['key', 'new', '--data-dir', at(name), '--light', '--json']);
  return events[0]!.address as Hex;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fedai-cli-'));
  const client = await newKeys('client');
  await newKeys('poor');
  network = await startMarketChain({ balances: { [client]: 1_000n * TRAIN } });
  await saveChainSpec(at('chain.json'), network.chain.spec);
  await writeToyIdx(at('toy'));
  const imported = await fedai(['data', 'import', `idx:${at('toy')}`, '--data-dir', at('client'), '--json']);
  manifests = Object.fromEntries(imported.events.map(({ set, manifest }) => [set, manifest]));
});
afterAll(async () => {
  await network?.stop();
  await rm(folder, { recursive: true, force: true });
});

const chainOptions = () => ['--chain-spec', at('chain.json'), '--rpc', network.rpcUrl];

/** Posts `job` with changes. */
async function post(
  change: object,
  {
    from = 'client',
    train = manifests.train!,
    killAt,
  }: { from?: string; train?: string; killAt?: string } = {},
): Promise<Outcome> {
  await writeFile(at('job.json'), JSON.stringify({ ...job, ...change }));
  const data = ['--train', train, '--test', manifests.test!, '--data-dir', at(from)];
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0'];
  return fedai(['job', 'post', at('job.json'), ...chainOptions(), ...data, ...listen], {}, killAt);
}

function refused(outcome: Outcome, code: number, error: string): void {
  expect(outcome.stderr).toContain(error);
  expect(outcome.stderr).toContain('remedy: ');
  expect(outcome.code).toBe(code);
}

describe('a job that cannot be posted', () => {
  it('pays too little', async () => {
    const outcome = await post({ reward: '1' });
    refused(outcome, 1, 'JobManagerBadPost');
    expect(outcome.stderr).toContain('reward');
  });

  it('asks too little stake of its workers', async () => {
    const outcome = await post({ workerStake: '1' });
    refused(outcome, 1, 'JobManagerBadPost');
    expect(outcome.stderr).toContain('workerStake');
  });

  it('pays more than the account holds', async () => {
    refused(await post({ reward: (5_000n * TRAIN).toString() }), 2, '[INSUFFICIENT_FUNDS]');
  });

  it('has an unknown layer', async () => {
    const layers = [{ class_name: 'Attention' }, ...toyModel.layers];
    refused(await post({ model: { ...toyModel, layers } }), 2, 'layers.0');
  });

  it('has a model whose shapes do not fit', async () => {
    const layers = [{ class_name: 'MaxPooling2D', config: { pool_size: [9, 9] } }, ...toyModel.layers];
    refused(await post({ model: { ...toyModel, layers } }), 2, '[BAD_MODEL]');
  });

  it('has a model that does not fit the data', async () => {
    refused(await post({ model: { ...toyModel, input: [4, 4, 1] } }), 2, '[DATA_MISMATCH]');
  });

  it('names a data set that is not in the data directory', async () => {
    const train = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    refused(await post({}, { train }), 2, '[MISSING_DATA]');
  });

  it('comes from a data directory without the key of its test set', async () => {
    refused(await post({}, { from: 'poor' }), 2, '[MISSING_DATA_KEY]');
  });

  it('leaves no job and no escrow behind', async () => {
    expect(await network.marketOf().jobCount()).toBe(0n);
  });
});

describe('a job that is not there', () => {
  it.each([
    ['watch', 1, 'JobManagerUnknownJob'],
    ['fetch', 1, 'JobManagerUnknownJob'],
  ])('cannot be had by job %s', async (command, code, error) => {
    refused(await fedai(['job', command, '7', ...chainOptions(), '--log-level', 'error']), code, error);
  });

  it('cannot be cancelled', async () => {
    const outcome = await fedai(['job', 'cancel', '7', ...chainOptions(), '--data-dir', at('client')]);
    refused(outcome, 1, 'JobManagerUnknownJob');
  });

  it('leaves no half-written model', async () => {
    expect((await readdir(folder)).filter((name) => /part|safetensors/.test(name))).toEqual([]);
  });
});

it('a devnet refuses data that its job cannot take, before it starts anything', async () => {
  const outcome = await fedai(['devnet', '--exit', '--rpc-port', '0', '--data', `idx:${at('toy')}`]);
  refused(outcome, 2, '[DATA_MISMATCH]');
  expect(outcome.stdout).toBe('');
});

describe('a daemon', () => {
  const daemon = (role: string, ...args: string[]) =>
    fedai([
      role,
      'run',
      ...chainOptions(),
      ...['--data-dir', at('poor'), '--listen', '/ip4/127.0.0.1/tcp/0', ...args],
    ]);

  it.each(['worker', 'evaluator'])('as %s with too little stake is told the least', async (role) => {
    const outcome = await daemon(role, '--stake', '1');
    refused(outcome, 2, '[TOO_LITTLE_STAKE]');
    expect(outcome.stderr).toContain('--stake 10');
  });

  it('whose account cannot pay its stake says so', async () => {
    refused(await daemon('worker', '--stake', '50'), 2, '[INSUFFICIENT_FUNDS]');
  });

  it('that is to validate without the keys of a validator says so', async () => {
    const outcome = await fedai([
      ...['chain', 'run', '--validator', '--chain-spec', at('chain.json'), '--data-dir', at('poor')],
      ...['--rpc-port', '0', '--listen', '/ip4/127.0.0.1/tcp/0'],
    ]);
    refused(outcome, 2, '[WRONG_KEYS]');
    expect(await readdir(at('poor'))).not.toContain('chain');
  });

  it('whose port is in use says so', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const outcome = await daemon('worker', '--listen', `/ip4/127.0.0.1/tcp/${port}`);
    server.close();
    refused(outcome, 2, '[LISTEN_FAILED]');
  });
});

describe('a client that is killed once it has paid', () => {
  const reward = (600n * TRAIN).toString();
  const resume = (from: string) =>
    fedai([
      ...['job', 'post', '--resume', '1', ...chainOptions(), '--data-dir', at(from), '--json'],
      ...['--listen', '/ip4/127.0.0.1/tcp/0'],
    ]);

  it('does not pay again for the same document', async () => {
    const killed = await post({ reward }, { killAt: 'job 1 is posted' });
    expect(killed.code).toBe(null);
    const again = await post({ reward });
    refused(again, 1, '[ALREADY_POSTED]');
    expect(again.stderr).toContain('--resume 1');
    expect(await network.marketOf().jobCount()).toBe(1n);
  });

  it('goes on with the job, though it could not pay for another', async () => {
    const { drawHeight } = await network.marketOf().job(1n);
    const resumed = resume('client');
    await network.chain.mine(drawHeight + 1 - (await network.marketOf().height()));
    const { code, events } = await resumed;
    expect(events.at(-1)).toMatchObject({ event: 'settled', exit: 'TooFewWorkers' });
    expect(code).toBe(1);
  });

  it('is no other account', async () => {
    const { code, stdout } = await resume('poor');
    expect(stdout).toContain('WRONG_ACCOUNT');
    expect(code).toBe(2);
  });
});

it('job verify against an RPC that is away is no verdict on the job', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const rpc = `http://127.0.0.1:${port}`;
  const outcome = await fedai(['job', 'verify', '1', '--chain-spec', at('chain.json'), '--rpc', rpc]);
  refused(outcome, 3, '[RPC_UNAVAILABLE]');
  expect(outcome.stdout).toContain('job 1 is NOT verified');
});
