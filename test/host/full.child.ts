/** Stores content and rewrites a file until there is no room, then says what it was told. Arguments: folder, and `file` or `store`. */
import { join } from 'node:path';
import { createHeliaLight } from 'helia';
import { hostFault, sha256, silentLog, uintBytes } from '../../core/index.ts';
import { openDisk } from '../../storage/disk.ts';
import { createHeliaStore } from '../../storage/helia-store.ts';
import { writeFileAtomic } from '../../storage/index.ts';

const [folder, what] = process.argv.slice(2) as [string, string];
const told: string[] = [];
const cids: string[] = [];
const disk = await openDisk(join(folder, 'store'), (fault) => told.push(fault.code));
const helia = createHeliaLight({ blockstore: disk.blockstore, datastore: disk.datastore });
await helia.start();
const content = createHeliaStore(helia, false, silentLog);
let thrown: unknown;
try {
  for (let n = 1; ; n++) {
    const bytes = new Uint8Array(64 * 1024 * (what === 'file' ? n : 1)).fill(sha256(uintBytes(n, 4))[0]!);
    if (what === 'file') await writeFileAtomic(join(folder, 'state.bin'), bytes);
    else cids.push(await content.putBytes(Uint8Array.from(bytes, (byte, i) => byte ^ (i >> 8))));
  }
} catch (error) {
  thrown = error;
}
process.stdout.write(`${JSON.stringify({ event: 'full', told, code: hostFault(thrown)?.code, cids })}\n`);
process.exit(0);
