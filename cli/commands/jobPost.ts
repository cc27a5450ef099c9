/** `fedai job post`: puts a job's pay in escrow, then does the client's part (keys, deadlines) until it is settled. */
import type { Command } from 'commander';
import { FedaiError, type Hex } from '../../core/index.ts';
import type { Job } from '../../job/index.ts';
import type { ClientAgent, Market } from '../../market/index.ts';
import type { ContentStore } from '../../storage/index.ts';
import { action, type Context } from '../action.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import {
  type ChainAccess,
  chainAccess,
  jobId,
  type PartyAccess,
  type PeerAccess,
  partyAccess,
  peerAccess,
  shared,
  trainAmount,
} from '../options.ts';
import { openMarket, openPeer, unlock } from '../party.ts';

interface Options extends ChainAccess, PartyAccess, PeerAccess {
  train?: string;
  test?: string;
  reward?: bigint;
  resume?: string;
}

export function jobPost(parent: Command): Command {
  const command = parent
    .command('post')
    .description('post a job and serve its data and keys until it is settled')
    .argument('<file>', 'job document (JSON); its data and reward may come from options')
    .option('--train <cid>', 'manifest of the training set, from `fedai data import`')
    .option('--test <cid>', 'manifest of the hidden test set, from `fedai data import`')
    .option('--reward <amount>', 'pay in TRAIN, put in escrow', trainAmount)
    .option('--resume <id>', 'serve a job that was posted before from this data directory', jobId)
    .addHelpText(
      'after',
      `
Stays until the job is settled: it serves the data and hands keys to those who are drawn. When it is stopped, start it
again with --resume; past a deadline the others go on without it.

Examples:
  $ fedai job post job.json --chain-spec chain.json --train bafy… --test bafy… --reward 100
  $ fedai job post job.json --chain-spec chain.json --resume 7 --json`,
    );
  chainAccess(command);
  partyAccess(command, 'client');
  peerAccess(command);
  return shared(command).action(action<Options, [string]>(post));
}

async function post(context: Context, options: Options, file: string): Promise<ExitCode> {
  const { output, signal } = context;
  const { readJobFile } = await import('../jobFile.ts');
  const job = await readJobFile(file, options);
  const { readDataKey } = await import('../dataKeys.ts');
  const { train, test } = job.document.data;
  const testKey = await readDataKey(options.dataDir, test.manifest);
  const dataKey = train.encrypted ? await readDataKey(options.dataDir, train.manifest) : undefined;
  const keys = await unlock(options, ['evm', 'peer']);
  const { market, chain } = await openMarket(context, options, { signer: keys.evm });
  await checkFunds(market, BigInt(job.document.reward));
  const peer = await openPeer(options, {
    peerPrivateKey: keys.peer,
    bootstrap: chain.bootstrap,
    log: output.log,
  });
  try {
    const { createClientAgent } = await import('../../market/index.ts');
    const { printJobEvent } = await import('../jobEvents.ts');
    const agent = createClientAgent({
      market,
      testKey,
      log: output.log,
      onEvent: (event) => printJobEvent(output, event),
      ...(dataKey && { dataKey }),
    });
    const id =
      options.resume === undefined ? await putInEscrow(peer.content, agent, job) : BigInt(options.resume);
    output.event({ event: 'posted', id: id.toString() }, `job ${id} is posted`);
    const receipt = await agent.serve(id, signal);
    output.event(
      { event: 'settled', ...receipt, id: id.toString(), accuracy: accuracyOf(receipt.agreed) },
      `job ${id}: ${receipt.state}${receipt.agreed.total > 0 ? `, score ${receipt.agreed.correct}/${receipt.agreed.total}` : ''}`,
    );
    return receipt.state === 'Completed' ? EXIT.ok : EXIT.failed;
  } finally {
    await peer.stop();
  }
}

const accuracyOf = ({ correct, total }: { correct: number; total: number }): number =>
  total === 0 ? 0 : correct / total;

/** The document is in the content store, and the data with it, before any money moves. */
async function putInEscrow(content: ContentStore, agent: ClientAgent, job: Job): Promise<bigint> {
  const { checkDataFits, encodeJob } = await import('../../job/index.ts');
  const { train, test } = job.document.data;
  checkDataFits(job, await readManifest(content, train.manifest));
  const testSet = await readManifest(content, test.manifest);
  checkDataFits(job, testSet);
  const documentCid = await content.putBytes(encodeJob(job.document));
  await content.pin(documentCid);
  return agent.post(job.document, documentCid, testSet.plaintextRoot as Hex);
}

async function readManifest(content: ContentStore, manifestCid: string) {
  const { decodeManifest, MAX_MANIFEST_BYTES } = await import('../../storage/index.ts');
  if (!(await content.hasLocal(manifestCid))) throw notHere(manifestCid);
  return decodeManifest(await content.getBytes(manifestCid, { maxBytes: MAX_MANIFEST_BYTES }));
}

async function checkFunds(market: Market, reward: bigint): Promise<void> {
  const balance = await market.balanceOf(market.account!);
  if (balance > reward) return;
  throw new FedaiError(
    'INSUFFICIENT_FUNDS',
    'the account does not hold the reward and the fees',
    {
      account: market.account,
      got: `${balance} wei`,
      expected: `> ${reward} wei`,
    },
    { remedy: 'send TRAIN to the account, or post with a smaller reward' },
  );
}

const notHere = (manifest: string): FedaiError =>
  new FedaiError(
    'MISSING_DATA',
    'this data set is not in the data directory',
    { manifest },
    {
      remedy: 'import it with `fedai data import` into the same --data-dir',
    },
  );
