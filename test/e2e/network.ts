/** A devnet from outside: its verdict, its client's key, and the examples of docs/examples against it. */
import { type ChildProcess, execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toHex } from '../../core/index.ts';
import { deriveKeys, generateMnemonic } from '../../core/keys/index.ts';

/** Accounts are numbered validators, workers, evaluators, client: 4 + 3 + 5 come before the client. */
const CLIENT_ACCOUNT = 12;
const EXAMPLE_TIMEOUT_MS = 900_000;

/** Writes a fresh recovery phrase for `--phrase-file`; the private key of the client that the devnet derives from it. */
export async function clientKey(phraseFile: string): Promise<string> {
  const phrase = generateMnemonic();
  await writeFile(phraseFile, phrase, { mode: 0o600 });
  return toHex((await deriveKeys(phrase, CLIENT_ACCOUNT)).evm.privateKey);
}

/** What an example prints; rejects when it fails. */
export async function example(name: string, args: readonly string[], privateKey: string): Promise<string> {
  const file = join(import.meta.dirname, '../../docs/examples', name);
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
    env: { ...process.env, PRIVATE_KEY: privateKey },
    timeout: EXAMPLE_TIMEOUT_MS,
  });
  return stdout;
}

/** Resolves with the `done` event; rejects with the end of the log when the devnet ends without one. */
export function lastEvent<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    let out = '';
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-4_000);
    });
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      out += text;
      const lines = out.split('\n');
      out = lines.pop()!;
      const event = lines.map((line) => JSON.parse(line)).find((line) => line.event === 'done');
      if (event) resolve(event);
    });
    child.on('close', (code) => reject(new Error(`devnet ended with code ${code}: ${log}`)));
  });
}
