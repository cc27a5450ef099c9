/** The password of keystores: from a file, the environment, or typed. Never from the command line, which others can read. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { FedaiError } from '../core/index.ts';

export async function readPassword(passwordFile: string | undefined): Promise<string> {
  if (passwordFile !== undefined) return (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '');
  const fromEnvironment = process.env.FEDAI_PASSWORD;
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (process.stdin.isTTY) return ask('password of the keys: ');
  throw new FedaiError(
    'MISSING_PASSWORD',
    'no password for the keys',
    {},
    {
      remedy: 'set FEDAI_PASSWORD, give --password-file, or run on a terminal',
    },
  );
}

/** Asks on the terminal without showing what is typed. */
async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
