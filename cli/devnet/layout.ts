/** Who takes part in a devnet and where each keeps its files: one folder a party, none shared, for the owner alone. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FedaiError } from '../../core/index.ts';
import { generateMnemonic } from '../../core/keys/index.ts';
import { type PublicKeys, readPublicKeys, writeKeys } from '../keyFiles.ts';

export interface Party {
  /** Such as `worker-0`; also the name of its folder and log file. */
  name: string;
  role: 'validator' | 'worker' | 'evaluator' | 'client';
  dataDir: string;
  keys: PublicKeys;
}

export interface Layout {
  root: string;
  /** Made by us for this run; removed at its end. */
  temporary: boolean;
  logs: string;
  specFile: string;
  /** Opens every keystore of this devnet. */
  password: string;
  parties: Party[];
  /** Whether the folder held this devnet before: its chain goes on. */
  resumed: boolean;
}

export interface Counts {
  validators: number;
  workers: number;
  /** Drawn for a job. */
  evaluators: number;
}

/** Evaluators beyond those drawn, so that the draw chooses and one that fails can be replaced. */
export const RESERVE_EVALUATORS = 2;

interface DevnetFile extends Counts {
  format: 'fedai-devnet/1';
  password: string;
}

/** Creates or reopens the folder. `phrase`: recovery phrase from which all keys come; a fresh one when absent. */
export async function prepareLayout(
  counts: Counts,
  options: { dataDir?: string; phrase?: string; signal: AbortSignal; onProgress: (text: string) => void },
): Promise<Layout> {
  const root = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'fedai-devnet-')));
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chmod(root, 0o700);
  const logs = join(root, 'logs');
  await mkdir(logs, { recursive: true, mode: 0o700 });
  const before = await readDevnetFile(root);
  if (before) checkSame(before, counts, root);
  const password = before?.password ?? randomBytes(24).toString('base64url');
  const names = partyNames(counts);
  const parties: Party[] = [];
  const phrase = options.phrase ?? generateMnemonic();
  for (const [account, { name, role }] of names.entries()) {
    const dataDir = join(root, name);
    if (before) {
      parties.push({ name, role, dataDir, keys: await readPublicKeys(dataDir) });
      continue;
    }
    if (options.signal.aborted) {
      if (options.dataDir === undefined) await rm(root, { recursive: true, force: true });
      throw options.signal.reason;
    }
    if (account === 0) options.onProgress(`making keys for ${names.length} processes …`);
    await mkdir(dataDir, { mode: 0o700 });
    const keys = await writeKeys({ dataDir, mnemonic: phrase, account, password, cost: 'light' });
    parties.push({ name, role, dataDir, keys });
  }
  if (!before) await writeDevnetFile(root, { format: 'fedai-devnet/1', ...counts, password });
  const specFile = join(root, 'chain.json');
  return {
    root,
    temporary: options.dataDir === undefined,
    logs,
    specFile,
    password,
    parties,
    resumed: before !== undefined,
  };
}

function partyNames(counts: Counts): Pick<Party, 'name' | 'role'>[] {
  const many = (role: Party['role'], count: number) =>
    Array.from({ length: count }, (_, i) => ({ role, name: `${role}-${i}` }));
  return [
    ...many('validator', counts.validators),
    ...many('worker', counts.workers),
    ...many('evaluator', counts.evaluators + RESERVE_EVALUATORS),
    { role: 'client', name: 'client' },
  ];
}

const fileOf = (root: string): string => join(root, 'devnet.json');

async function readDevnetFile(root: string): Promise<DevnetFile | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(root), 'utf8')) as DevnetFile;
  } catch {
    return undefined;
  }
}

const writeDevnetFile = (root: string, content: DevnetFile): Promise<void> =>
  writeFile(fileOf(root), `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true });

function checkSame(before: DevnetFile, counts: Counts, root: string): void {
  const same = (['validators', 'workers', 'evaluators'] as const).every((key) => before[key] === counts[key]);
  if (same) return;
  const { validators, workers, evaluators } = before;
  throw new FedaiError(
    'BAD_DATA_DIR',
    'this folder holds a devnet of another size',
    {
      folder: root,
      got: counts,
      expected: { validators, workers, evaluators },
    },
    { remedy: 'give the same numbers again, or another --data-dir' },
  );
}
