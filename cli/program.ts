/** The tree of subcommands. Each lives in its own file under commands/ and loads what it needs only when it runs. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { chainRun } from './commands/chainRun.ts';
import { chainSpec } from './commands/chainSpec.ts';
import { dataImport } from './commands/dataImport.ts';
import { devnet } from './commands/devnet.ts';
import { engineCheck } from './commands/engineCheck.ts';
import { evaluatorRun } from './commands/evaluatorRun.ts';
import { explorer } from './commands/explorer.ts';
import { jobCancel } from './commands/jobCancel.ts';
import { jobFetch } from './commands/jobFetch.ts';
import { jobList } from './commands/jobList.ts';
import { jobPost } from './commands/jobPost.ts';
import { jobVerify } from './commands/jobVerify.ts';
import { jobWatch } from './commands/jobWatch.ts';
import { keyNew } from './commands/keyNew.ts';
import { predict } from './commands/predict.ts';
import { train } from './commands/train.ts';
import { workAudits } from './commands/workAudits.ts';
import { workChallenge } from './commands/workChallenge.ts';
import { workerRun } from './commands/workerRun.ts';
import { workList } from './commands/workList.ts';
import { workVerify } from './commands/workVerify.ts';
import { EXIT_HELP } from './exit.ts';

type Define = (parent: Command) => Command;

const GROUPS: readonly { name: string; description: string; commands: readonly Define[] }[] = [
  { name: 'key', description: 'recovery phrase and keystores', commands: [keyNew] },
  { name: 'chain', description: 'a chain node, and what defines a chain', commands: [chainRun, chainSpec] },
  { name: 'worker', description: 'train for pay', commands: [workerRun] },
  { name: 'evaluator', description: 'score for pay', commands: [evaluatorRun] },
  {
    name: 'job',
    description: 'have a model trained, follow it, fetch and verify it',
    commands: [jobPost, jobList, jobWatch, jobFetch, jobVerify, jobCancel],
  },
  {
    name: 'work',
    description: 'proofs of useful work, audits, the court',
    commands: [workList, workVerify, workAudits, workChallenge],
  },
  { name: 'data', description: 'data sets', commands: [dataImport] },
  { name: 'engine', description: 'exact arithmetic on this machine', commands: [engineCheck] },
];

export function buildProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('fedai')
    .description('An open network that trains AI models on machines nobody has to trust.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('  remedy: add --help for what this command takes')
    .configureHelp({ showGlobalOptions: true });
  for (const group of GROUPS) {
    const parent = program.command(group.name).description(group.description);
    for (const define of group.commands) define(parent);
  }
  devnet(program);
  predict(program);
  explorer(program);
  train(program);
  const everyCommand = [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)];
  for (const command of everyCommand) command.addHelpText('after', EXIT_HELP);
  return program;
}
