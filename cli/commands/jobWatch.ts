/** `fedai job watch`: every event of one job until it is settled. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { EXIT } from '../exit.ts';
import { printJobEvent } from '../jobEvents.ts';
import { type ChainAccess, chainAccess, jobId, shared } from '../options.ts';
import { openMarket } from '../party.ts';

export function jobWatch(parent: Command): Command {
  const command = parent
    .command('watch')
    .description('follow one job until it is settled')
    .argument('<id>', 'number of the job', jobId)
    .addHelpText('after', '\nExample:\n  $ fedai job watch 1 --chain-spec chain.json');
  return shared(chainAccess(command)).action(
    action<ChainAccess, [string]>(async (context, options, id) => {
      const { output, signal } = context;
      const { market } = await openMarket(context, options);
      const { isFinal, watchJob } = await import('../../market/index.ts');
      const job = await watchJob(market, BigInt(id), {
        onEvent: (event) => printJobEvent(output, event),
        signal,
        log: output.log,
      });
      if (!isFinal(job.state)) return EXIT.interrupted;
      const { acceptedAudits } = await import('../audits.ts');
      const audits = await acceptedAudits(market, BigInt(id));
      output.event(
        { event: 'settled', id, state: job.state, exit: job.exit, payouts: job.payouts, audits },
        `${audits} of its traces were confirmed by auditors`,
      );
      return job.state === 'Completed' ? EXIT.ok : EXIT.failed;
    }),
  );
}
