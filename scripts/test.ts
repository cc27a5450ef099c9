/**
 * `npm test`: builds what is missing, runs the named suites one after the other and sums their results into a last
 * line `N passed, N failed`. Suites: unit, contracts, sim, e2e, interop, browser.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'fedai-test-'));

async function vitestSuite(name: string, config: string[]): Promise<Counts> {
  const report = join(scratch, `${name}.json`);
  const args = ['run', ...config, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code } = await run('vitest', args);
  try {
    const { numPassedTests, numFailedTests, numPendingTests, success } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    const crashed = numFailedTests === 0 && (code !== 0 || !success) ? 1 : 0;
    return { passed: numPassedTests, failed: numFailedTests + crashed, skipped: numPendingTests };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** Hardhat prints one `N passing` line (and `N failing`) for each of its runners. */
async function contractsSuite(): Promise<Counts> {
  const { code, output } = await run('hardhat', ['test'], { capture: true });
  const total = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}`, 'gm'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  const failed = total('failing');
  return {
    passed: total('passing'),
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: total('skipped'),
  };
}

/** Where there is no browser, nothing is started and the reason is told. */
async function browserSuite(): Promise<Counts> {
  const { findChromium, NO_CHROMIUM } = await import('../test/browser/chromium.ts');
  if (findChromium() !== undefined)
    return await vitestSuite('browser', ['--config=test/browser/vitest.config.ts']);
  process.stdout.write(`test:browser is skipped: ${NO_CHROMIUM}\n`);
  return { passed: 0, failed: 0, skipped: 1 };
}

const SUITES: Readonly<Record<string, () => Promise<Counts>>> = {
  unit: () => vitestSuite('unit', ['--exclude=test/sim/**']),
  contracts: contractsSuite,
  sim: () => vitestSuite('sim', ['test/sim']),
  e2e: () => vitestSuite('e2e', ['--config=test/e2e/vitest.config.ts']),
  browser: browserSuite,
  interop: () => vitestSuite('interop', ['--config=test/interop/vitest.config.ts']),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in SUITES));
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(`usage: node scripts/test.ts ${Object.keys(SUITES).join('|')} …\n`);
  process.exit(2);
}

const built = await run('node', ['scripts/build.ts', '--quiet']);
const sum: Counts = { passed: 0, failed: built.code === 0 ? 0 : 1, skipped: 0 };
const lines: string[] = [];
for (const name of built.code === 0 ? names : []) {
  const started = performance.now();
  const counts = await SUITES[name]!();
  sum.passed += counts.passed;
  sum.failed += counts.failed;
  sum.skipped += counts.skipped;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  lines.push(
    `${name.padEnd(10)} ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${seconds} s`,
  );
}
rmSync(scratch, { recursive: true, force: true });
process.stdout.write(`\n${lines.join('\n')}\n${sum.passed} passed, ${sum.failed} failed\n`);
process.exit(sum.failed === 0 && sum.passed + sum.skipped > 0 ? 0 : 1);
