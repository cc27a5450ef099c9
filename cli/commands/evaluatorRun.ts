/** `fedai evaluator run`: the scoring daemon. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { runDaemon } from '../daemon.ts';
import { type MetricsAccess, metricsAccess } from '../metrics.ts';
import {
  type ChainAccess,
  type ContentAccess,
  chainAccess,
  contentAccess,
  type PartyAccess,
  type PeerAccess,
  partyAccess,
  peerAccess,
  shared,
  trainOption,
} from '../options.ts';

interface Options extends ChainAccess, ContentAccess, PartyAccess, PeerAccess, MetricsAccess {
  stake: bigint;
}

export function evaluatorRun(parent: Command): Command {
  const command = parent
    .command('run')
    .description('stand ready to score models on hidden data, keep their files, take the pay')
    .addOption(
      trainOption(
        '--stake <amount>',
        'TRAIN to hold as stake; what is missing is deposited at the start',
        '100',
      ),
    )
    .addHelpText(
      'after',
      `
Runs until it is stopped; an RPC or peer that is away is waited for.

Examples:
  $ fedai key new --data-dir ~/.fedai/evaluator
  $ fedai evaluator run --chain-spec chain.json --rpc http://127.0.0.1:8545`,
    );
  chainAccess(command);
  partyAccess(command, 'evaluator');
  peerAccess(command);
  contentAccess(command);
  metricsAccess(command);
  return shared(command).action(
    action<Options>(async (context, options) => {
      const { createEvaluator } = await import('../../evaluator/index.ts');
      return runDaemon(context, 'evaluator', options, (parts) =>
        createEvaluator({ ...parts, stake: options.stake }),
      );
    }),
  );
}
