/**
 * Takes libraries from the bundles that `npm run build` makes of them (scripts/build-vendor.ts), where these fit what is
 * installed: a process then starts in less than half the time. Without them everything loads from node_modules.
 */
import { readFileSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';

const ROOT = new URL('../', import.meta.url);
const VENDOR = new URL('dist/vendor/', ROOT);
/** Written by npm whenever it changes what is installed. */
const INSTALLED = new URL('node_modules/.package-lock.json', ROOT);

/** Names one state of node_modules; undefined where npm has left no record of it. */
export function installStamp(): string | undefined {
  try {
    const { size, mtimeMs } = statSync(INSTALLED);
    return `${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

function readFiles(): Record<string, string> | undefined {
  try {
    const index = JSON.parse(readFileSync(new URL('index.json', VENDOR), 'utf8'));
    return index.stamp !== undefined && index.stamp === installStamp() ? index.files : undefined;
  } catch {
    return undefined;
  }
}

/** Call before the first import of a library. */
export function useVendor(): void {
  const files = readFiles();
  if (files === undefined) return;
  const [root, modules] = [ROOT.href, new URL('node_modules/', ROOT).href];
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const file = Object.hasOwn(files, specifier) ? files[specifier] : undefined;
      const from = context.parentURL ?? '';
      const isOurs = from.startsWith(root) && !from.startsWith(modules) && !from.startsWith(VENDOR.href);
      return file !== undefined && isOurs
        ? { url: new URL(file, VENDOR).href, format: 'module', shortCircuit: true }
        : nextResolve(specifier, context);
    },
  });
}
