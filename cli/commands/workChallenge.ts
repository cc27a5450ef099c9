/** `fedai work challenge`: brings a segment of a trace to court with a bond, waits for the verdict, takes back what is due. */
import { type Command, InvalidArgumentError } from 'commander';
import { FedaiError, sleep } from '../../core/index.ts';
import type { CourtCase, Market } from '../../market/index.ts';
import { action, type Context } from '../action.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import {
  type ChainAccess,
  chainAccess,
  formatTrain,
  integer,
  type PartyAccess,
  partyAccess,
  shared,
} from '../options.ts';
import { openMarket, unlock } from '../party.ts';

interface Options extends ChainAccess, PartyAccess {
  wait: boolean;
}

const VERDICT_POLL_MS = 1_000;
const MAX_SEGMENT = 2 ** 32 - 1;
const segmentNumber = integer(0, MAX_SEGMENT);

function traceNumber(text: string): bigint {
  if (!/^(?:0|[1-9]\d{0,17})$/.test(text))
    throw new InvalidArgumentError('expected a trace number such as 7.');
  return BigInt(text);
}

export function workChallenge(parent: Command): Command {
  const command = parent
    .command('challenge')
    .description('accuse a trace: validators execute the segment again, and the loser pays')
    .argument('<trace>', 'number of the trace (see `fedai work audits`)', traceNumber)
    .argument('<segment>', 'of the trace, counted from 0', segmentNumber)
    .option('--no-wait', 'do not wait for the verdict')
    .addHelpText(
      'after',
      `
Puts up the bond that the network asks for. It comes back, with a share of the worker's slashed stake, when the trace is
found faulty; else half of it goes to the worker and half is burned. Exit code 1 when the challenge is dismissed.

Example:
  $ fedai work challenge 7 0 --chain-spec chain.json --data-dir ~/.fedai/client`,
    );
  chainAccess(command);
  return shared(partyAccess(command, 'client')).action(
    action<Options>(async (context, options) => {
      const [traceId, segment] = command.processedArgs as [bigint, number];
      const { evm } = await unlock(options, ['evm'], context.signal);
      const { market } = await openMarket(context, options, { signer: evm });
      const caseId = await accuse(context, market, traceId, segment);
      if (!options.wait) return undefined;
      return await awaitVerdict(context, market, caseId);
    }),
  );
}

async function accuse(
  { output }: Context,
  { court }: Market,
  traceId: bigint,
  segment: number,
): Promise<number> {
  if (court === undefined)
    throw new FedaiError('NO_COURT', 'traces of this chain are not audited and have no court');
  const { bond } = await court.parameters();
  const { hash, height } = await court.challenge(traceId, segment, bond);
  const { caseId } = await court.auditOf(traceId);
  output.event(
    { event: 'challenged', trace: traceId, segment, case: caseId, bond, height, transaction: hash },
    `case ${caseId}: segment ${segment} of trace ${traceId} is before the court, ${formatTrain(bond)} TRAIN put up`,
  );
  return caseId;
}

async function awaitVerdict({ output, signal }: Context, market: Market, caseId: number): Promise<ExitCode> {
  const court = market.court!;
  let record: CourtCase;
  do {
    await sleep(VERDICT_POLL_MS, signal);
    record = await court.caseOf(caseId);
  } while (record.state === 'Open' || record.state === 'Waiting');
  const returned = await court.withdrawable(market.account!);
  if (returned > 0n) await court.withdraw();
  // A case that was dropped had to wait until another found the trace faulty.
  const isUpheld = record.state === 'Upheld' || record.state === 'Dropped';
  output.event(
    { event: 'judged', case: caseId, state: record.state, digest: record.digest, returned },
    isUpheld
      ? `case ${caseId} is upheld: the trace is faulty, ${formatTrain(returned)} TRAIN are back`
      : `case ${caseId} is dismissed: the trace is right, the bond is lost`,
  );
  return isUpheld ? EXIT.ok : EXIT.failed;
}
