/** The end of a devnet's job: is the result proved, and was everyone paid exactly? */
import type { Hex } from '../../core/index.ts';
import { createMarket, type JobReceipt, type Market } from '../../market/index.ts';
import { acceptedAudits } from '../audits.ts';
import { readChainFile } from '../chainFile.ts';
import { formatTrain } from '../options.ts';
import type { JsonEvent } from '../output.ts';
import type { chaosSummary } from './chaos.ts';
import type { Display } from './display.ts';
import type { Fleet } from './fleet.ts';
import type { Layout } from './layout.ts';
import type { Network } from './network.ts';
import {
  auditsOf,
  checkPayments,
  earnings,
  expectedPayments,
  type PaymentCheck,
  paidTraces,
} from './payouts.ts';

/** A devnet's node is on this machine: what does not answer after this many tries will not. */
const RPC_ATTEMPTS = 5;

export interface Ledger {
  market: Market;
  accounts: Hex[];
  before: Map<string, bigint>;
  validators: { address: Hex; power: bigint }[];
}

/** Notes what everyone has earned before the job. */
export async function openLedger(layout: Layout, network: Network): Promise<Ledger> {
  const chain = await readChainFile(layout.specFile);
  const market = createMarket({ rpc: network.rpcs[0]!, contracts: chain.contracts, attempts: RPC_ATTEMPTS });
  const accounts = layout.parties.map(({ keys }) => keys.address);
  const validators = chain.validators.map(({ address, power }) => ({ address, power: BigInt(power) }));
  return { market, accounts, validators, before: await earnings(market, accounts) };
}

export interface Verdict {
  receipt: JobReceipt;
  verified: boolean;
  payments: PaymentCheck;
  /** Blocks that training has sealed, and how many of them were executed again and found right. */
  workBlocks: number;
  workVerified: number;
  /** Traces that auditors have confirmed. */
  accepted: number;
}

/** Runs `fedai job verify` and checks every payment to the wei. */
export async function judge(
  { layout, fleet, display }: { layout: Layout; fleet: Fleet; display: Display },
  network: Network,
  ledger: Ledger,
  jobId: string,
): Promise<Verdict> {
  display.update({ type: 'phase', text: 'verifying the job from chain spec, RPC and job id alone …' });
  const verified = await verify({ layout, fleet, display }, network, jobId);
  const { market } = ledger;
  const receipt = await market.jobReceipt(BigInt(jobId));
  const { parameters, post } = await market.job(BigInt(jobId));
  const traces = await paidTraces(market, receipt);
  const audits = auditsOf(market, parameters, post);
  const due = expectedPayments({ receipt, parameters, traces, audits, validators: ledger.validators });
  const after = await earnings(market, ledger.accounts);
  const payments = checkPayments(due, ledger.before, after, receipt.payouts);
  const heights = display.state().workBlocks.map(({ height }) => height);
  const workVerified = await verifyWork({ layout, fleet, display }, network, heights);
  const accepted = await acceptedAudits(market, BigInt(jobId));
  display.update({ type: 'line', text: `✓ ${accepted} traces confirmed by their auditors` });
  return { receipt, verified, payments, workBlocks: heights.length, workVerified, accepted };
}

/** Runs `fedai work verify` over all work blocks; answers how many held. */
async function verifyWork(
  { layout, fleet, display }: { layout: Layout; fleet: Fleet; display: Display },
  network: Network,
  heights: readonly number[],
): Promise<number> {
  if (heights.length === 0) return 0;
  display.update({ type: 'phase', text: `executing the proofs of ${heights.length} blocks again …` });
  const client = layout.parties.find(({ role }) => role === 'client')!;
  const access = ['--chain-spec', layout.specFile, '--rpc', network.rpcs.at(-1)!];
  let held = 0;
  const child = fleet.start(client, ['work', 'verify', ...heights.map(String), ...access], {
    finite: true,
    label: 'work-verify',
    onEvent(event) {
      if (event.event === 'verified' && event.ok === true) held += 1;
      if (event.event === 'check' && event.ok === false)
        display.update({ type: 'line', text: `✗ block ${String(event.height)}: ${String(event.text)}` });
    },
  });
  await child.ended;
  display.update({
    type: 'line',
    text: `✓ ${held} of ${heights.length} work blocks executed again, bit for bit`,
  });
  return held;
}

async function verify(
  { layout, fleet, display }: { layout: Layout; fleet: Fleet; display: Display },
  network: Network,
  jobId: string,
): Promise<boolean> {
  // Any node will do: the verifier trusts none.
  const rpc = network.rpcs.at(-1)!;
  const client = layout.parties.find(({ role }) => role === 'client')!;
  const args = ['job', 'verify', jobId, '--chain-spec', layout.specFile, '--rpc', rpc];
  const child = fleet.start(client, args, {
    finite: true,
    label: 'verify',
    onEvent(event) {
      if (event.event === 'check')
        display.update({ type: 'line', text: `${event.ok ? '✓' : '✗'} ${event.text}` });
    },
  });
  const { code } = await child.ended;
  if (code !== 0) display.update({ type: 'line', text: `not verified: ${child.tail().join(' ')}` });
  return code === 0;
}

export const accuracyOf = ({ agreed }: JobReceipt): number =>
  agreed.total === 0 ? 0 : agreed.correct / agreed.total;

/** The last event of `fedai devnet --json`; its keys are used from outside. */
export function doneEvent(
  { receipt, verified, payments, workBlocks, workVerified, accepted }: Verdict,
  chain: { height: number; validators: number },
  wallSeconds: number,
  chaos?: ReturnType<typeof chaosSummary>,
): JsonEvent {
  const { workers, evaluators, auditors, burned, validators, refund, escrow } = receipt.payouts;
  return {
    event: 'done',
    job: {
      id: receipt.jobId.toString(),
      state: receipt.state,
      accuracy: accuracyOf(receipt),
      modelCid: receipt.modelCid,
      modelHash: receipt.modelHash,
      verified,
    },
    // The two parts of those who check the work are one share of five per cent to its readers.
    payouts: { workers, evaluators: evaluators + auditors, burned, validators, refund, escrow },
    chain,
    workBlocks,
    workVerified,
    audits: accepted,
    wallSeconds,
    ...(chaos !== undefined && {
      chaos: { ...chaos, payoutExact: payments.exact, roundsLost: receipt.rounds - receipt.roundsFixed },
    }),
  };
}

/** The verdict for people. */
export function verdictText({ receipt, verified, payments, accepted }: Verdict, wallSeconds: number): string {
  const { agreed, payouts } = receipt;
  const amounts = (
    ['workers', 'evaluators', 'auditors', 'burned', 'validators', 'refund', 'escrow'] as const
  ).map((name) => `    ${name.padEnd(11)} ${formatTrain(payouts[name]).padStart(24)} TRAIN`);
  return [
    '',
    `job ${receipt.jobId}: ${receipt.state}${receipt.exit === 'None' ? '' : ` (${receipt.exit})`} after ${wallSeconds.toFixed(1)} s`,
    `  accuracy   ${(100 * accuracyOf(receipt)).toFixed(2)} % (${agreed.correct} of ${agreed.total} hidden digits)`,
    `  model      ${receipt.modelCid}`,
    `  hash       ${receipt.modelHash}`,
    `  verified   ${verified ? 'yes: record proved, model hashed, re-scored, signatures checked' : 'NO'}`,
    `  audits     ${accepted} traces confirmed by their auditors`,
    `  payments   ${payments.exact ? 'exact to the wei' : 'NOT EXACT'}`,
    ...payments.faults.map((fault) => `             ${fault}`),
    ...amounts,
  ].join('\n');
}
