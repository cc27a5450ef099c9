/** Bundles the explorer into dist/explorer: one page, its script, its worker and its font, each named by its hash. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { packedBytes } from './explorer-size.ts';

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'dist/explorer');
/** What the pages are made of, besides libraries. */
const FOLDERS = [
  ...[
    'explorer',
    'verify',
    'core',
    'engine',
    'job',
    'pouw',
    'light',
    'market',
    'storage',
    'contracts/generated',
  ],
];

function sourceHash(): string {
  const hash = createHash('sha256');
  const own = [import.meta.filename, join(ROOT, 'package-lock.json')];
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:tsx?|css|html|svg)$/.test(name))
      .sort()
      .map((name) => join(ROOT, folder, name)),
  );
  for (const file of [...own, ...sources]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/**
 * Leaves out what nothing asks for: zod's messages in forty languages and whatever of it is not called, which its
 * exported object `z` would keep whole, and modules of ours of which nothing is used, which a bundler must otherwise
 * keep for what their loading might do.
 */
const lean: Plugin = {
  name: 'lean',
  setup({ onResolve, onLoad, resolve }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: join(ROOT, 'node_modules/zod/v4/locales'),
    }));
    onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      const contents = readFileSync(path, 'utf8')
        .replace("import { z } from 'zod';", "import * as z from 'zod';")
        // Names that Solidity has for types; the codec reads those of the ABI.
        .replace(path.includes('/generated/') ? /\s*"?internalType"?: ?["'][^"']*["'],?/g : /(?!)/, '');
      return {
        contents,
        loader: path.endsWith('x') ? 'tsx' : 'ts',
      };
    });
    onResolve({ filter: /^\.\.?\/.*\.tsx?$/ }, async ({ path, importer, pluginData, ...rest }) => {
      if (pluginData === 'seen' || importer.includes('/node_modules/')) return undefined;
      const found = await resolve(path, {
        importer,
        kind: rest.kind,
        resolveDir: rest.resolveDir,
        pluginData: 'seen',
      });
      return { ...found, sideEffects: false };
    });
  },
};

const COMMON: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2024',
  legalComments: 'none',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  logLevel: 'warning',
  plugins: [lean],
};

/** File name of an entry point's output. */
function outputOf({ outputs }: Metafile, entry: string, extension: string): string {
  const found = Object.entries(outputs).find(
    ([name, output]) => output.entryPoint === entry && name.endsWith(extension),
  );
  if (found === undefined) throw new RangeError(`the build left no ${extension} of ${entry}`);
  return basename(found[0]);
}

async function bundlePages(folder: string): Promise<void> {
  const entries = {
    script: 'explorer/main.tsx',
    worker: 'explorer/work/worker.ts',
    poster: 'explorer/post/worker.ts',
    style: 'explorer/style/all.css',
  };
  // Page and worker are built together, so that what both need is loaded and kept once.
  const { metafile } = await build({
    ...COMMON,
    outdir: join(folder, 'assets'),
    metafile: true,
    splitting: true,
    entryPoints: Object.values(entries),
  });
  const script = outputOf(metafile, entries.script, '.js');
  const html = readFileSync(join(ROOT, 'explorer/index.html'), 'utf8')
    .replace('SCRIPT_FILE', script)
    .replace('POSTER_FILE', outputOf(metafile, entries.poster, '.js'))
    .replace('WORKER_FILE', outputOf(metafile, entries.worker, '.js'))
    .replace('STYLE_FILE', outputOf(metafile, entries.style, '.css'));
  writeFileSync(join(folder, 'index.html'), html);
}

const hash = sourceHash();
const stamp = join(TARGET, 'sources.sha256');
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) {
  console.log('dist/explorer is up to date');
} else {
  const staged = `${TARGET}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  await bundlePages(staged);
  writeFileSync(join(staged, 'sources.sha256'), hash);
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(staged, TARGET);
  console.log(`dist/explorer: ${Math.round(packedBytes(TARGET) / 1_000)} kB packed before WebAssembly`);
}
