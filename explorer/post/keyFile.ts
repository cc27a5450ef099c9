/** The keys of a job as a file, for another browser or for `fedai job post --resume`. */
import { equalBytes, FedaiError, fromHex, sha256, toHex } from '../../core/index.ts';
import type { JobKeys } from './kept.ts';

const FORMAT = 'fedai-job-keys/1';
const MAX_FILE_BYTES = 4_096;

export function keyFileOf({ testKey, dataKey, testManifest, trainManifest }: JobKeys): string {
  const keys = { [testManifest]: toHex(testKey), ...(dataKey && { [trainManifest]: toHex(dataKey) }) };
  return `${JSON.stringify({ format: FORMAT, test: testManifest, train: trainManifest, keys }, null, 2)}\n`;
}

/** Throws `BAD_KEY_FILE` for a file of another job. */
export async function readKeyFile(file: File, testKeyCommitment: string): Promise<JobKeys> {
  try {
    if (file.size > MAX_FILE_BYTES) throw new RangeError('too large');
    const { format, test, train, keys } = JSON.parse(await file.text()) as {
      format: string;
      test: string;
      train: string;
      keys: Record<string, string>;
    };
    if (format !== FORMAT) throw new RangeError('another format');
    const testKey = fromHex(keys[test]!, 32);
    if (!equalBytes(sha256(testKey), fromHex(testKeyCommitment))) throw new RangeError('another job');
    const dataKey = keys[train] === undefined ? undefined : fromHex(keys[train], 32);
    return { testKey, dataKey, testManifest: String(test), trainManifest: String(train) };
  } catch (cause) {
    throw new FedaiError(
      'BAD_KEY_FILE',
      'this file does not hold the keys of this job',
      {},
      {
        cause,
        remedy: 'Choose the file that was saved when the job was posted.',
      },
    );
  }
}

export function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
