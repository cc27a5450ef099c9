/** `fedai job post`: puts a job's pay in escrow, then does the client's part (keys, deadlines) until it is settled. */
import type { Command } from 'commander';
import { FedaiError, type Hex } from '../../core/index.ts';
import type { Job, ReplayLimits } from '../../job/index.ts';
import type { ClientAgent, Market } from '../../market/index.ts';
import type { ContentStore } from '../../storage/index.ts';
import { action, type Context } from '../action.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { checkHost } from '../host.ts';
import {
  type ChainAccess,
  type ContentAccess,
  chainAccess,
  contentAccess,
  jobId,
  type PartyAccess,
  type PeerAccess,
  partyAccess,
  peerAccess,
  shared,
  trainAmount,
} from '../options.ts';
import { openMarket, openPeer, unlock } from '../party.ts';

interface Options extends ChainAccess, ContentAccess, PartyAccess, PeerAccess {
  train?: string;
  test?: string;
  reward?: bigint;
  resume?: string;
  fullAudit?: true;
}

export function jobPost(parent: Command): Command {
  const command = parent
    .command('post')
    .description('post a job and serve its data and keys until it is settled')
    .argument('[file]', 'job document (JSON); its data and reward may come from options')
    .option('--train <cid>', 'manifest of the training set, from `fedai data import`')
    .option('--test <cid>', 'manifest of the hidden test set, from `fedai data import`')
    .option('--reward <amount>', 'pay in TRAIN, put in escrow', trainAmount)
    .option(
      '--full-audit',
      'have every segment of every trace executed again by auditors; the workers’ part pays for it',
    )
    .option(
      '--resume <id>',
      'go on with a job that was posted from this data directory; needs no file',
      jobId,
    )
    .addHelpText(
      'after',
      `
Stays until the job is settled: it serves the data and hands keys to those who are drawn. When it is stopped, start it
again with --resume; past a deadline the others go on without it.

Examples:
  $ fedai job post job.json --chain-spec chain.json --train bafy… --test bafy… --reward 100
  $ fedai job post --resume 7 --chain-spec chain.json --json`,
    );
  chainAccess(command);
  partyAccess(command, 'client');
  peerAccess(command);
  contentAccess(command);
  return shared(command).action(action<Options, [string | undefined]>(post));
}

async function post(context: Context, options: Options, file: string | undefined): Promise<ExitCode> {
  const { output, signal } = context;
  await checkHost(options.dataDir, output.log);
  const written = options.resume === undefined ? await readWritten(options, file) : undefined;
  const keys = await unlock(options, ['evm', 'peer'], signal);
  const { market, chain } = await openMarket(context, options, { signer: keys.evm });
  const { checkNotPosted, readPostedJob } = await import('../postedJob.ts');
  if (written) {
    await checkNotPosted(market, written);
    await checkFunds(market, BigInt(written.document.reward));
  }
  const peer = await openPeer(context, options, { peerPrivateKey: keys.peer, bootstrap: chain.bootstrap });
  try {
    const { createClientAgent } = await import('../../market/index.ts');
    const { printJobEvent } = await import('../jobEvents.ts');
    const job = written ?? (await readPostedJob(market, peer.content, BigInt(options.resume!)));
    const agent = createClientAgent({
      market,
      log: output.log,
      onEvent: (event) => printJobEvent(output, event),
      ...(await readKeys(options.dataDir, job)),
    });
    const id = written
      ? await putInEscrow(peer.content, agent, job, {
          limits: chain.work,
          height: (await market.height()) + 1,
          fullAudit: options.fullAudit ?? false,
        })
      : BigInt(options.resume!);
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

/** The document of a job to be posted, with the keys of its data at hand. */
async function readWritten(options: Options, file: string | undefined): Promise<Job> {
  if (file === undefined) {
    throw new FedaiError(
      'MISSING_FILE',
      'no job document is given',
      {},
      { remedy: 'give a file, or --resume with the number of a posted job' },
    );
  }
  const { readJobFile } = await import('../jobFile.ts');
  const job = await readJobFile(file, options);
  await readKeys(options.dataDir, job);
  return job;
}

async function readKeys(dataDir: string, { document }: Job) {
  const { readDataKey } = await import('../dataKeys.ts');
  const { train, test } = document.data;
  const testKey = await readDataKey(dataDir, test.manifest);
  return { testKey, ...(train.encrypted && { dataKey: await readDataKey(dataDir, train.manifest) }) };
}

const accuracyOf = ({ correct, total }: { correct: number; total: number }): number =>
  total === 0 ? 0 : correct / total;

/** The document is in the content store, and the data with it, before any money moves. */
async function putInEscrow(
  content: ContentStore,
  agent: ClientAgent,
  job: Job,
  { limits, height, fullAudit }: { limits: ReplayLimits | undefined; height: number; fullAudit: boolean },
): Promise<bigint> {
  const { checkDataFits, checkFormat, encodeJob, isProvable } = await import('../../job/index.ts');
  checkFormat(job, limits?.formats, height);
  const { train, test } = job.document.data;
  const trainingSet = await readManifest(content, train.manifest);
  checkDataFits(job, trainingSet);
  const testSet = await readManifest(content, test.manifest);
  checkDataFits(job, testSet);
  const documentCid = await content.putBytes(encodeJob(job.document));
  await content.pin(documentCid);
  const provable = limits !== undefined && isProvable(job, trainingSet.count, limits, height);
  const testRoot = testSet.plaintextRoot as Hex;
  return agent.post({ document: job.document, documentCid, testRoot, provable, fullAudit });
}

async function readManifest(content: ContentStore, manifestCid: string) {
  const { decodeManifest, MAX_MANIFEST_BYTES } = await import('../../job/index.ts');
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
