/** Entry of the `fedai` command under Node 24: parses, runs one subcommand, sets the exit code. */
import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { buildProgram } from './program.ts';

/** `argv` without node and script. Never throws; ends with `process.exitCode` set. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are what was asked for; anything else has been printed with its remedy.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}
