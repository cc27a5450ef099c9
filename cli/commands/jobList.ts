/** `fedai job list`: the latest jobs of a chain. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { type ChainAccess, chainAccess, formatTrain, integer, shared } from '../options.ts';
import { openMarket } from '../party.ts';

interface Options extends ChainAccess {
  limit: number;
}

export function jobList(parent: Command): Command {
  const command = parent
    .command('list')
    .description('list the latest jobs')
    .option('--limit <n>', 'how many', integer(1, 1000), 20)
    .addHelpText('after', '\nExample:\n  $ fedai job list --chain-spec chain.json --limit 5 --json');
  return shared(chainAccess(command)).action(
    action<Options>(async (context, options) => {
      const { market } = await openMarket(context, options);
      const count = await market.jobCount();
      const first = count > BigInt(options.limit) ? count - BigInt(options.limit) + 1n : 1n;
      for (let id = first; id <= count; id++) {
        const job = await market.job(id);
        const { correct, total } = job.agreed;
        context.output.event(
          {
            event: 'job',
            id: id.toString(),
            state: job.state,
            exit: job.exit,
            client: job.client,
            reward: job.reward,
            rounds: job.post.rounds,
            roundsFixed: job.roundsFixed,
            traces: job.accrued.traces,
            tracesLost: job.accrued.lost,
            modelHash: job.modelHash,
            modelCid: job.modelCid,
            correct,
            total,
          },
          `${String(id).padStart(5)}  ${job.state.padEnd(10)}  ${formatTrain(job.reward)} TRAIN  round ${job.roundsFixed}/${job.post.rounds}${total > 0 ? `  score ${correct}/${total}` : ''}`,
        );
      }
      if (count === 0n) context.output.progress('no jobs yet');
      return undefined;
    }),
  );
}
