/** `fedai explorer`: the explorer on this machine, over any chain node. */
import type { Command } from 'commander';
import { action, untilStopped } from '../action.ts';
import { EXIT } from '../exit.ts';
import { DEFAULT_RPC, httpUrl, port, shared } from '../options.ts';

interface Options {
  rpc: string;
  port: number;
  host: string;
  open?: boolean;
}

export function explorer(parent: Command): Command {
  const command = parent
    .command('explorer')
    .description('see the chain, the jobs and the proofs in a browser, and check them there')
    .option('--rpc <url>', 'JSON-RPC of a chain node', httpUrl, process.env.FEDAI_RPC ?? DEFAULT_RPC)
    .option('--port <port>', 'port that the pages are served on; 0 takes a free one', port, 8600)
    .option('--host <host>', 'address that the pages are served on', '127.0.0.1')
    .option('--open', 'open it in a browser')
    .addHelpText(
      'after',
      `
A chain node serves the same pages under /explorer of its own RPC port. This command serves them from here and passes
what they ask on to --rpc, which need not be trusted: proofs are executed again in the browser.

Examples:
  $ fedai explorer --open
  $ fedai explorer --rpc http://10.0.0.5:8545 --port 0`,
    );
  return shared(command).action(
    action<Options>(async ({ output, signal }, options) => {
      const [{ startExplorerProxy }, { EXPLORER_PAGES }, { openBrowser }] = await Promise.all([
        import('../explorer/proxy.ts'),
        import('../explorer/pages.ts'),
        import('../explorer/openBrowser.ts'),
      ]);
      const { log } = output;
      const proxy = await startExplorerProxy({ ...options, pages: EXPLORER_PAGES, log });
      output.event(
        { event: 'explorer', url: proxy.url, rpc: options.rpc },
        `the explorer is at ${proxy.url}, over ${options.rpc}`,
      );
      if (options.open) openBrowser(proxy.url, log);
      await untilStopped(signal);
      await proxy.stop();
      return EXIT.ok;
    }),
  );
}
