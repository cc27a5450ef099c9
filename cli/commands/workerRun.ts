/** `fedai worker run`: the trainer daemon. */
import type { Command } from 'commander';
import type { KernelName } from '../../engine/index.ts';
import { action } from '../action.ts';
import { runDaemon } from '../daemon.ts';
import { type MetricsAccess, metricsAccess } from '../metrics.ts';
import {
  type ChainAccess,
  type ContentAccess,
  chainAccess,
  contentAccess,
  integer,
  MAX_THREADS,
  oneOf,
  type PartyAccess,
  type PeerAccess,
  partyAccess,
  peerAccess,
  shared,
  trainOption,
} from '../options.ts';

interface Options extends ChainAccess, ContentAccess, PartyAccess, PeerAccess, MetricsAccess {
  stake: bigint;
  kernel: 'auto' | KernelName;
  threads: number;
}

export function workerRun(parent: Command): Command {
  const command = parent
    .command('run')
    .description('volunteer for jobs, train them exactly, take the pay')
    .addOption(
      trainOption(
        '--stake <amount>',
        'TRAIN to hold as stake; what is missing is deposited at the start',
        '200',
      ),
    )
    .option(
      '--kernel <kernel>',
      'auto (the fastest that gives the exact bits here), webgpu, wasm or reference',
      oneOf(['auto', 'webgpu', 'wasm', 'reference'] as const),
      'auto',
    )
    .option('--threads <n>', 'threads that train together', integer(1, MAX_THREADS), 1)
    .addHelpText(
      'after',
      `
Runs until it is stopped; an RPC or peer that is away is waited for.

Examples:
  $ fedai key new --data-dir ~/.fedai/worker
  $ fedai worker run --chain-spec chain.json --rpc http://127.0.0.1:8545 --stake 50`,
    );
  chainAccess(command);
  partyAccess(command, 'worker');
  peerAccess(command);
  contentAccess(command);
  metricsAccess(command);
  return shared(command).action(
    action<Options>(async (context, options) => {
      const { createWorker } = await import('../../worker/index.ts');
      return runDaemon(context, 'worker', options, (parts) =>
        createWorker({ ...parts, stake: options.stake, kernel: options.kernel, threads: options.threads }),
      );
    }),
  );
}
