/**
 * `npm run build`: what is generated rather than committed, in order: WebAssembly kernels, contract ABI and bytecode,
 * demo digits, bundled libraries, the explorer. Each script does only what is missing or stale and says so in one line; `--quiet` keeps those lines.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const STEPS = ['build-wasm', 'build-contracts', 'build-demo-data', 'build-vendor', 'build-explorer'];

const quiet = process.argv.includes('--quiet');

/** Resolves with the exit code of one script. Its output goes to our stderr: stdout may belong to a caller's JSON. */
function run(script: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output.push(chunk);
        if (!quiet) process.stderr.write(chunk);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0 && quiet) process.stderr.write(Buffer.concat(output));
      resolve(code ?? 1);
    });
  });
}

for (const step of STEPS) {
  const script = fileURLToPath(new URL(`./${step}.ts`, import.meta.url));
  // A packed package carries what they make, not the scripts.
  if (!existsSync(script)) continue;
  const code = await run(script);
  if (code !== 0) {
    process.stderr.write(
      `${step} failed with exit code ${code}: its message is above; run \`npm ci\` if packages are missing\n`,
    );
    process.exit(code);
  }
}
