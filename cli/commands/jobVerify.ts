/** `fedai job verify`: proves a job's result from chain spec, RPC and job id alone. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { EXIT } from '../exit.ts';
import { type ChainAccess, chainAccess, jobId, shared } from '../options.ts';

export function jobVerify(parent: Command): Command {
  const command = parent
    .command('verify')
    .description(
      'prove the record of a settled job, re-score its model and check the signatures, trusting no one',
    )
    .argument('<id>', 'number of the job', jobId)
    .addHelpText(
      'after',
      `
Trusts the chain-spec file and nothing else: neither the RPC nor any peer. Each check is a line; exit code 0 only if all hold.

Example:
  $ fedai job verify 1 --chain-spec chain.json --rpc http://127.0.0.1:8545`,
    );
  return shared(chainAccess(command)).action(
    action<ChainAccess, [string]>(async ({ output, signal }, options, id) => {
      const { verifyJob } = await import('../verify/index.ts');
      return (await verifyJob({ ...options, jobId: BigInt(id), signal, output })) ? EXIT.ok : EXIT.failed;
    }),
  );
}
