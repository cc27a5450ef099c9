/** What the explorer is shown over: the chain node of FEDAI_EXPLORER_RPC, a devnet if FEDAI_EXPLORER_DEVNET is set, else a chain in this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastEvent } from '../e2e/network.ts';
import type { MarketChain } from '../support/marketChain.ts';
import { startShownChain } from './shownChain.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface ShownNetwork {
  rpc: string;
  /** Absent where the chain is not in this process. */
  chain?: MarketChain;
  stop(): Promise<void>;
}

/** Whether it is no chain of this process, which nobody here can make go on. */
export const isElsewhere = (): boolean =>
  process.env.FEDAI_EXPLORER_RPC !== undefined || Boolean(process.env.FEDAI_EXPLORER_DEVNET);

export async function startShownNetwork(): Promise<ShownNetwork> {
  const given = process.env.FEDAI_EXPLORER_RPC;
  if (given !== undefined) return { rpc: given, stop: async () => {} };
  return await (process.env.FEDAI_EXPLORER_DEVNET ? startDevnet() : startShownChain());
}

/** One with a small job, run until the job is over. */
async function startDevnet(): Promise<ShownNetwork> {
  const folder = await mkdtemp(join(tmpdir(), 'fedai-browser-'));
  const jobFile = join(folder, 'job.json');
  const demo = JSON.parse(await readFile(join(ROOT, 'docs/examples/demo-job.json'), 'utf8'));
  // Three short rounds: enough for curves, draws and proofs.
  demo.training = { ...demo.training, rounds: 3, stepsPerRound: 24, segments: 3 };
  demo.targetScorePpm = 0;
  await writeFile(jobFile, JSON.stringify(demo));
  const args = ['cli/fedai.js', 'devnet', '--json', '--rpc-port', '0', '--validators', '1'];
  // A longer interval gives proofs more time to be opened where the machine is slow.
  const job = ['--job', jobFile, '--work-interval', '15'];
  const devnet = spawn(process.execPath, [...args, ...job, '--data-dir', join(folder, 'network')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = async (): Promise<void> => {
    await ended(devnet);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await lastEvent(devnet);
    const node = JSON.parse(await readFile(join(folder, 'network/validator-0/node.json'), 'utf8'));
    return { rpc: node.rpcUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('close', () => resolve());
    child.kill('SIGINT');
  });
}
