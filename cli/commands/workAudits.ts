/** `fedai work audits`: which traces are audited, by whom, and what came of it. */
import type { Command } from 'commander';
import { action } from '../action.ts';
import type { TraceAudit } from '../audits.ts';
import { type ChainAccess, chainAccess, integer, jobId, shared } from '../options.ts';
import type { Output } from '../output.ts';
import { openMarket } from '../party.ts';

interface Options extends ChainAccess {
  job?: string;
  limit: number;
}

export function workAudits(parent: Command): Command {
  const command = parent
    .command('audits')
    .description('list committed traces with their audits and cases, the latest first')
    .option('--job <id>', 'those of one job, in the order of their commitment', jobId)
    .option('--limit <n>', 'how many of the latest', integer(1, 1_000), 20)
    .addHelpText('after', '\nExample:\n  $ fedai work audits --job 1 --chain-spec chain.json --json');
  return shared(chainAccess(command)).action(
    action<Options>(async (context, { job, limit, ...access }) => {
      const { market } = await openMarket(context, access);
      const { jobAudits, latestAudits } = await import('../audits.ts');
      const { court } = market;
      if (court === undefined) {
        context.output.progress('traces of this chain are not audited');
        return undefined;
      }
      const found =
        job === undefined ? await latestAudits(market, court, limit) : await jobAudits(market, BigInt(job));
      for (const one of found) await print(one, court, context.output);
      if (found.length === 0) context.output.progress('no traces of provable jobs yet');
      return undefined;
    }),
  );
}

async function print(
  { traceId, jobId: job, round, worker, audit }: TraceAudit,
  court: NonNullable<Awaited<ReturnType<typeof openMarket>>['market']['court']>,
  output: Output,
): Promise<void> {
  const latest = audit.caseId === 0 ? null : await court.caseOf(audit.caseId);
  const ofCase = latest && { id: audit.caseId, state: latest.state, segment: latest.segment };
  const line = {
    ...{ event: 'audit', trace: traceId, job, round, worker },
    ...{ state: audit.state, fullAudit: audit.fullAudit, segments: audit.segments, fee: audit.fee },
    auditors: audit.auditors.map(({ account, revealed, digests }) => ({
      account,
      revealed,
      withheld: revealed && digests.length === 0,
    })),
    case: ofCase,
  };
  const told = ofCase === null ? '' : `  case ${ofCase.id} on segment ${ofCase.segment}: ${ofCase.state}`;
  const text = `${String(traceId).padStart(6)}  job ${job} round ${round}  ${worker}  ${audit.state}${told}`;
  output.event(line, text);
}
