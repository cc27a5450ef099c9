/** `fedai data import`: puts a data set into this party's content store, the hidden part encrypted. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { ImportedDataset, LocalStore, RecordSet } from '../../storage/index.ts';
import { action, type Context } from '../action.ts';
import { checkDataDir } from '../host.ts';
import {
  type ContentAccess,
  contentAccess,
  imageSize,
  oneOf,
  type PartyAccess,
  partyAccess,
  shared,
} from '../options.ts';
import { STORE_FOLDER } from '../party.ts';

/** Records on their way from a source to the store. */
const SCRATCH_FOLDER = 'scratch';

interface Options extends PartyAccess, ContentAccess {
  set: 'train' | 'test' | 'both';
  encryptTrain?: boolean;
  size?: { width: number; height: number };
  name?: string;
  licence: string;
}

export function dataImport(parent: Command): Command {
  const command = parent
    .command('import')
    .description('put a data set into the content store; the test set is always encrypted')
    .argument(
      '<source>',
      'idx:DIR (train-* and t10k-* or test-* IDX files, gzipped or not), npz:FILE, csv:FILE, parquet:FILE, images:DIR (a folder of PNG or JPEG files a class), or demo',
    )
    .option('--set <set>', 'train, test or both', oneOf(['train', 'test', 'both'] as const), 'both')
    .option('--size <WxH>', 'scale images to this size', imageSize)
    .option('--encrypt-train', 'encrypt the training set too')
    .option('--name <name>', 'name in the manifest (default: the source)')
    .option('--licence <text>', 'licence in the manifest', 'unknown')
    .addHelpText(
      'after',
      `
The keys of encrypted sets stay in DIR/data-keys; \`fedai job post\` finds them there.

Examples:
  $ fedai data import demo --data-dir ~/.fedai/client
  $ fedai data import idx:./mnist --licence CC-BY-SA-3.0 --json`,
    );
  partyAccess(command, 'client');
  contentAccess(command);
  return shared(command).action(
    action<Options, [string]>(async (context, options, source) => {
      await checkDataDir(options.dataDir);
      const { openKuboStore, openLocalStore } = await import('../../storage/index.ts');
      const { readSource } = await import('../source.ts');
      const sets = await readSource(source, {
        scratch: join(options.dataDir, SCRATCH_FOLDER),
        ...(options.size && { size: options.size }),
      });
      const { log } = context.output;
      const store =
        options.ipfs === undefined
          ? await openLocalStore(join(options.dataDir, STORE_FOLDER), log)
          : await openKuboStore(options.ipfs, log);
      try {
        for (const set of options.set === 'both' ? (['train', 'test'] as const) : [options.set]) {
          context.output.progress(`importing ${set}: ${sets[set].count} records …`);
          await importSet(context, store, options, { source, set, records: sets[set] });
        }
      } finally {
        await store.close();
        for (const set of [sets.train, sets.test]) await set.close();
      }
      return undefined;
    }),
  );
}

async function importSet(
  { output }: Context,
  store: LocalStore,
  options: Options,
  { source, set, records }: { source: string; set: 'train' | 'test'; records: RecordSet },
): Promise<void> {
  const { importDataset } = await import('../../storage/index.ts');
  const { renameDataKey, saveDataKey } = await import('../dataKeys.ts');
  const encrypted = set === 'test' || options.encryptTrain === true;
  const encryptKey = encrypted ? crypto.getRandomValues(new Uint8Array(32)) : undefined;
  const temporary = `new-${process.pid}-${set}`;
  if (encryptKey) await saveDataKey(options.dataDir, temporary, encryptKey);
  const about = { name: `${options.name ?? source} (${set})`, licence: options.licence };
  const imported: ImportedDataset = await importDataset(
    store.content,
    { kind: 'set', set: records },
    {
      ...about,
      ...(encryptKey && { encryptKey }),
    },
  );
  const keyFile = encryptKey && (await renameDataKey(options.dataDir, temporary, imported.manifestCid));
  output.event(
    {
      event: 'dataset',
      set,
      manifest: imported.manifestCid,
      count: imported.count,
      plaintextRoot: Buffer.from(imported.plaintextRoot).toString('hex'),
      encrypted,
      ...(keyFile && { keyFile }),
    },
    `${set.padEnd(5)} ${imported.manifestCid}  ${imported.count} records${encrypted ? `, encrypted (key in ${keyFile})` : ''}`,
  );
}
