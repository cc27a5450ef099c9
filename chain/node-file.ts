/** `node.json` in the data directory: where a running chain node is to be found. Present only while it runs (or after a kill). */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface NodeFile {
  rpcUrl: string;
  peerAddresses: string[];
  pid: number;
}

/** Written beside and renamed, so that a reader never sees half of it. */
export async function writeNodeFile(dataDir: string, content: NodeFile): Promise<void> {
  const path = join(dataDir, 'node.json');
  await writeFile(`${path}.tmp`, `${JSON.stringify(content)}\n`);
  await rename(`${path}.tmp`, path);
}

export async function removeNodeFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, 'node.json'), { force: true });
}
