/** `fedai key new`: makes or recovers the keys of one party. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { action } from '../action.ts';
import { checkDataDir } from '../host.ts';
import { integer, type PartyAccess, partyAccess, shared } from '../options.ts';

interface Options extends PartyAccess {
  recover?: boolean;
  phraseFile?: string;
  account: number;
  light?: boolean;
}

export function keyNew(parent: Command): Command {
  const command = parent
    .command('new')
    .description(
      'make the keys of one party (EVM, libp2p, validator, reader, Nostr) from one recovery phrase',
    )
    .option('--recover', 'from a phrase you have (FEDAI_PHRASE, --phrase-file or standard input)')
    .option('--phrase-file <file>', 'file with the recovery phrase; implies --recover')
    .option('--account <n>', 'number of the account under the phrase', integer(0, 2 ** 31 - 1), 0)
    .option('--light', 'weak but fast encryption, for throw-away keys')
    .addHelpText(
      'after',
      `
Examples:
  $ FEDAI_PASSWORD=… fedai key new --data-dir ~/.fedai/worker
  $ fedai key new --data-dir ~/.fedai/validator --phrase-file phrase.txt --account 2`,
    );
  partyAccess(command, 'node');
  return shared(command).action(
    action<Options>(async ({ output }, options) => {
      const [{ generateMnemonic, checkMnemonic }, { writeKeys }, { readPassword }] = await Promise.all([
        import('../../core/keys/index.ts'),
        import('../keyFiles.ts'),
        import('../password.ts'),
      ]);
      await checkDataDir(options.dataDir);
      const recovering = options.recover === true || options.phraseFile !== undefined;
      const mnemonic = recovering ? checkMnemonic(await readPhrase(options.phraseFile)) : generateMnemonic();
      const publicKeys = await writeKeys({
        dataDir: options.dataDir,
        mnemonic,
        account: options.account,
        password: await readPassword(options.passwordFile),
        cost: options.light ? 'light' : 'standard',
      });
      const lines = [
        `address    ${publicKeys.address}`,
        `peer id    ${publicKeys.peerId}`,
        `keys in    ${options.dataDir}`,
      ];
      if (!recovering) lines.push('', 'recovery phrase (write it down, it is shown once):', `  ${mnemonic}`);
      output.event(
        { event: 'keys', ...publicKeys, dataDir: options.dataDir, ...(!recovering && { phrase: mnemonic }) },
        lines.join('\n'),
      );
      return undefined;
    }),
  );
}

async function readPhrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return readFile(file, 'utf8');
  if (process.env.FEDAI_PHRASE !== undefined) return process.env.FEDAI_PHRASE;
  if (process.stdin.isTTY) process.stderr.write('recovery phrase, then Ctrl-D:\n');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  return text;
}
