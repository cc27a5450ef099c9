/** `fedai work list`: the latest blocks that carry a proof of useful work. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { integer, shared, workAccess } from '../options.ts';

interface Options {
  chainSpec?: string;
  rpc: string;
  limit: number;
  blocks: number;
}

export function workList(parent: Command): Command {
  const command = parent
    .command('list')
    .description('list the latest blocks that carry a proof of useful work')
    .option('--limit <n>', 'how many', integer(1, 1000), 20)
    .option('--blocks <n>', 'how far to look back', integer(1, 100_000), 1_000)
    .addHelpText('after', '\nExample:\n  $ fedai work list --rpc http://127.0.0.1:8545 --json');
  return shared(workAccess(command)).action(
    action<Options>(async ({ output, signal }, options) => {
      const { listWork } = await import('../work/index.ts');
      await listWork({ ...options, signal, output }, options.limit, options.blocks);
      return undefined;
    }),
  );
}
