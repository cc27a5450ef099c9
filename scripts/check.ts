/** `npm run check`: what must hold before every commit, in under a minute: lint and format, types, import table, sizes. */
import { run } from './run.ts';

const STEPS: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
  ['build', 'node', ['scripts/build.ts', '--quiet']],
  ['lint and format', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', []],
  ['import table', 'vitest', ['run', '--reporter=dot', 'test/architecture.test.ts']],
  ['sizes', 'node', ['scripts/size.ts']],
];

const failed: string[] = [];
for (const [name, command, args] of STEPS) {
  const { code, seconds } = await run(command, args);
  process.stderr.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)\n`);
  if (code !== 0) failed.push(name);
}
if (failed.length > 0) {
  process.stderr.write(
    `check failed: ${failed.join(', ')}. \`npx biome check --write .\` mends format and imports.\n`,
  );
  process.exit(1);
}
