/** How large the explorer is as it travels. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Kernels in a script of their own, as text. */
const WEB_ASSEMBLY = /AGFzbQ/;

/** Bytes of all that the explorer may load, packed as it is served, without WebAssembly. */
export function packedBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:js|css|html|woff2)$/.test(name))
    .map((name) => readFileSync(join(folder, name)))
    .filter((bytes) => !WEB_ASSEMBLY.test(bytes.toString('latin1')))
    .reduce((sum, bytes) => sum + gzipSync(bytes).length, 0);
}
