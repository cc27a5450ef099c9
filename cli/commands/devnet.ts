/** `fedai devnet`: a whole network with one job in it, by one command. */
import type { Command } from 'commander';
import { FedaiError } from '../../core/index.ts';
import { action, type Context } from '../action.ts';
import type { ExitCode } from '../exit.ts';
import { checkDataDir } from '../host.ts';
import { integer, port, share, shared } from '../options.ts';

interface Options {
  validators: number;
  workers: number;
  evaluators: number;
  rpcPort: number;
  dataDir?: string;
  data: string;
  job?: string;
  phraseFile?: string;
  chaos?: number;
  seed?: number;
  workInterval: number;
  exit?: boolean;
  open?: boolean;
  keepLogs?: boolean;
}

export function devnet(parent: Command): Command {
  const command = parent
    .command('devnet')
    .description('start a whole network on this machine, train a real model on it, verify and pay')
    .option('--validators <n>', 'chain nodes that validate', integer(1, 64), 4)
    .option('--workers <n>', 'workers', integer(1, 32), 3)
    .option(
      '--evaluators <n>',
      'evaluators drawn, an odd number (two more wait in reserve)',
      integer(3, 15),
      3,
    )
    .option('--rpc-port <port>', 'JSON-RPC of the first validator; 0 takes a free port', port, 8545)
    .option('--data-dir <dir>', 'keep everything here; run again to go on (default: a temporary folder)')
    .option('--data <source>', 'idx:DIR with MNIST-style files, or demo', 'demo')
    .option('--job <file>', 'job document to post instead of the demo job')
    .option('--phrase-file <file>', 'recovery phrase for all keys (default: a fresh one)')
    .option(
      '--chaos <share>',
      'kill and revive up to this share of the processes of each role while the job runs',
      share,
    )
    .option('--seed <n>', 'seed of the chaos', integer(0, 2 ** 32 - 1), 1)
    .option(
      '--work-interval <blocks>',
      'draw committed training to be proved at every so many blocks; 0: no proofs of work',
      integer(0, 1_000),
      5,
    )
    .option('--keep-logs', 'keep the log file of each process')
    .option('--open', 'open the explorer in a browser')
    .option('--exit', 'stop after the verdict; exit code 0 only if verified and every payment exact')
    .addHelpText(
      'after',
      `
With --json the last event is {"event":"done","job":{…},"payouts":{…},"chain":{…},"wallSeconds":…}; amounts are wei.

Examples:
  $ fedai devnet
  $ fedai devnet --exit --json
  $ fedai devnet --chaos 0.3 --seed 7
  $ fedai devnet --workers 5 --data idx:./fashion-mnist --keep-logs`,
    );
  return shared(command).action(action<Options>(start));
}

async function start(context: Context, options: Options): Promise<ExitCode> {
  if (options.evaluators % 2 === 0) {
    throw new FedaiError(
      'BAD_COUNT',
      'the number of evaluators must be odd',
      { got: options.evaluators },
      {
        remedy: 'give --evaluators 3, 5, 7, … 15',
      },
    );
  }
  const phrase = options.phraseFile === undefined ? undefined : await readPhrase(options.phraseFile);
  if (options.dataDir !== undefined) await checkDataDir(options.dataDir);
  await checkInputs(options);
  const { runDevnet } = await import('../devnet/run.ts');
  const { dataDir, job } = options;
  return runDevnet(context, {
    validators: options.validators,
    workers: options.workers,
    evaluators: options.evaluators,
    rpcPort: options.rpcPort,
    source: options.data,
    workInterval: options.workInterval,
    exit: options.exit ?? false,
    open: options.open ?? false,
    keepLogs: options.keepLogs ?? false,
    ...(dataDir !== undefined && { dataDir }),
    ...(options.chaos !== undefined && { chaos: { share: options.chaos, seed: options.seed ?? 1 } }),
    ...(job !== undefined && { job }),
    ...(phrase !== undefined && { phrase }),
  });
}

async function readPhrase(file: string): Promise<string> {
  const [{ readFile }, { checkMnemonic }] = await Promise.all([
    import('node:fs/promises'),
    import('../../core/keys/index.ts'),
  ]);
  return checkMnemonic(await readFile(file, 'utf8'));
}

/** What can be known to be wrong is said before anything starts. */
async function checkInputs(options: Options): Promise<void> {
  const { data, job, rpcPort } = options;
  const { checkPort } = await import('../devnet/port.ts');
  await checkPort(rpcPort);
  if (data === 'demo' && job === undefined) return (await import('../demo/index.ts')).checkDemoData();
  const { readSource } = await import('../source.ts');
  const sets = await readSource(data);
  const { checkDataFits, parseJob } = await import('../../job/index.ts');
  const wanted = job === undefined ? parseJob(await demoDraft(options)) : await readDraft(job, options);
  for (const set of [sets.train, sets.test]) {
    await set.close();
    checkDataFits(wanted, set);
  }
}

async function demoDraft({ workers, evaluators }: Options) {
  const { demoJob } = await import('../demo/job.ts');
  const { ANY_CID } = await import('../jobFile.ts');
  const train = { manifest: ANY_CID, encrypted: false };
  const test = { manifest: ANY_CID, encrypted: true } as const;
  return demoJob({ data: { train, test }, workers, evaluators });
}

/** The user's job, if this network can do it. */
async function readDraft(file: string, { workers, evaluators }: Options) {
  const { readJobDraft } = await import('../jobFile.ts');
  const job = await readJobDraft(file);
  const { document } = job;
  if (document.training.workers > workers || document.evaluators > evaluators) {
    throw new FedaiError(
      'BAD_COUNT',
      'the job needs a larger network',
      {
        got: { workers, evaluators },
        expected: { workers: document.training.workers, evaluators: document.evaluators },
      },
      { remedy: 'give --workers and --evaluators as the job asks' },
    );
  }
  return job;
}
