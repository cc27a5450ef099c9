/** `fedai work verify`: executes a block's proof of useful work again, from public data alone. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { EXIT } from '../exit.ts';
import { blockHeights, shared, workAccess } from '../options.ts';

interface Options {
  chainSpec?: string;
  rpc: string;
}

export function workVerify(parent: Command): Command {
  const command = parent
    .command('verify')
    .description('re-execute the training that a block proves, bit for bit, and check everything around it')
    .argument('<height...>', 'of blocks that carry a proof (see `fedai work list`)', blockHeights)
    .addHelpText(
      'after',
      `
Each check is a line; exit code 0 only if all hold. With --chain-spec the validators are those of that file; without it
the RPC is believed who they are, and nothing else.

Example:
  $ fedai work verify 45 --rpc http://127.0.0.1:8545`,
    );
  return shared(workAccess(command)).action(
    action<Options, string[]>(async ({ output, signal }, options) => {
      const { verifyWork } = await import('../work/index.ts');
      const heights = command.processedArgs[0] as number[];
      return (await verifyWork({ ...options, signal, output }, heights)) ? EXIT.ok : EXIT.failed;
    }),
  );
}
