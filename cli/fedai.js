#!/usr/bin/env node
/**
 * The `fedai` command. Written for any Node: it finds Node 24, under which the TypeScript of this package runs as it is,
 * and hands over to main.ts there.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const WANTED_MAJOR = 24;

if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  await import('./lean.js');
  const { useVendor } = await import('./vendor.ts');
  useVendor();
  const { main } = await import('./main.ts');
  await main(process.argv.slice(2));
} else {
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `error: fedai needs Node ${WANTED_MAJOR}, this is ${process.versions.node}\n` +
        '  remedy: run `npm ci` in the package folder (it brings Node 24), or install Node 24\n',
    );
    process.exit(2);
  }
  handOver(node);
}

/** The `node` package's binary: in our own node_modules, or in the one that holds us. */
function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return ['../node_modules/node/bin/', '../../node/bin/']
    .map((folder) => fileURLToPath(new URL(folder + name, import.meta.url)))
    .find((file) => existsSync(file));
}

/** Runs the same command line under `node`. The IPC channel tells the child when this process is gone. */
function handOver(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal sends its Ctrl-C to both; only a signal meant for this process alone must be passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  process.on('SIGHUP', () => child.kill('SIGHUP'));
  child.on('error', (error) => {
    process.stderr.write(`error: cannot start ${node}: ${error.message}\n  remedy: run \`npm ci\` again\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal);
    process.exit(code ?? 1);
  });
}
