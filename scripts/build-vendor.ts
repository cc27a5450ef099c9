/**
 * Bundles the libraries that the `fedai` command imports into a few files under dist/vendor: opening some 1 600 small
 * modules costs each process a second of processor time. cli/vendor.ts uses them if they fit what is installed.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { installStamp } from '../cli/vendor.ts';

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'dist/vendor');
/** Whose imports count: what runs in a process of the command. */
const FOLDERS = [
  ...['core', 'engine', 'job', 'light', 'net', 'storage', 'chain', 'market', 'worker', 'evaluator', 'cli'],
];
/** With native code or files of their own beside them. */
const EXTERNAL = ['classic-level', 'secp256k1', '@chainsafe/blst', 'mcl-wasm', '@libp2p/webrtc', '*.node'];
/** CommonJS inside an ES module still asks for Node's own modules. */
const BANNER =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);";
const IMPORT = /\b(?:from\s*|import\s*\(?\s*)'((?:@[\w.-]+\/)?\w[\w.-]*(?:\/[\w.-]+)*)'/g;

/** Bare specifiers of libraries, each once. */
function librariesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/generated|assembly/.test(name))
    .flatMap((name) => [...readFileSync(join(ROOT, folder, name), 'utf8').matchAll(IMPORT)])
    .map((match) => match[1]!)
    .filter((name) => !name.startsWith('node:') && !EXTERNAL.includes(name));
}

async function bundle(libraries: readonly string[], outdir: string): Promise<Record<string, string>> {
  const files = Object.fromEntries(libraries.map((name) => [name, name.replace(/[^a-zA-Z0-9.-]/g, '_')]));
  await build({
    entryPoints: Object.fromEntries(libraries.map((name) => [files[name]!, name])),
    absWorkingDir: ROOT,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    conditions: ['node', 'import', 'module'],
    outExtension: { '.js': '.mjs' },
    external: EXTERNAL,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: BANNER },
    logLevel: 'warning',
    plugins: [
      {
        name: 'lean',
        setup({ onResolve }) {
          const path = fileURLToPath(new URL('../cli/heliaDefaults.js', import.meta.url));
          onResolve({ filter: /\/libp2p-defaults\.js$/ }, () => ({ path }));
        },
      },
    ],
  });
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, `${file}.mjs`]));
}

/** CommonJS gives its names at run time only, which a bundle cannot: such a library stays where it is. */
async function isWhole(library: string, file: string): Promise<boolean> {
  const [original, bundled] = await Promise.all([import(library), import(join(TARGET, file))]);
  return Object.keys(original).every((name) => name === 'module.exports' || name in bundled);
}

const libraries = [...new Set(FOLDERS.flatMap(librariesOf))].sort();
const stamp = installStamp();
const key = createHash('sha256')
  .update(JSON.stringify([libraries, stamp]))
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .digest('hex');
const indexFile = join(TARGET, 'index.json');
if (existsSync(indexFile) && JSON.parse(readFileSync(indexFile, 'utf8')).key === key) {
  console.log('dist/vendor is up to date');
} else {
  rmSync(TARGET, { recursive: true, force: true });
  mkdirSync(TARGET, { recursive: true });
  const files = await bundle(libraries, TARGET);
  for (const [library, file] of Object.entries(files)) {
    if (!(await isWhole(library, file))) delete files[library];
  }
  // Named last: half a bundle is none.
  const staged = `${indexFile}.${process.pid}`;
  writeFileSync(staged, JSON.stringify({ key, stamp, files }));
  renameSync(staged, indexFile);
  console.log(`dist/vendor: ${Object.keys(files).length} libraries`);
}
process.exit(0);
