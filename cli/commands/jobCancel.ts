/** `fedai job cancel`: takes an open job back; everything in escrow is refunded. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import { type ChainAccess, chainAccess, jobId, type PartyAccess, partyAccess, shared } from '../options.ts';
import { openMarket, unlock } from '../party.ts';

interface Options extends ChainAccess, PartyAccess {}

export function jobCancel(parent: Command): Command {
  const command = parent
    .command('cancel')
    .description('take back a job whose training has not started; its escrow is refunded')
    .argument('<id>', 'number of the job', jobId)
    .addHelpText(
      'after',
      '\nExample:\n  $ fedai job cancel 3 --chain-spec chain.json --data-dir ~/.fedai/client',
    );
  chainAccess(command);
  return shared(partyAccess(command, 'client')).action(
    action<Options, [string]>(async (context, options, id) => {
      const { evm } = await unlock(options, ['evm']);
      const { market } = await openMarket(context, options, { signer: evm });
      const { hash, height } = await market.cancelJob(BigInt(id));
      const refund = await market.withdrawable(market.account!);
      if (refund > 0n) await market.withdraw();
      context.output.event(
        { event: 'cancelled', id, height, transaction: hash, refund },
        `job ${id} is cancelled; ${refund} wei are back`,
      );
      return undefined;
    }),
  );
}
