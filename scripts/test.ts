/**
 * `npm test`: builds what is missing, runs the named suites one after the other and sums their results into a last
 * line `N passed, N failed`, after the names of what failed. Suites: unit, contracts, sim, e2e, interop, browser.
 *
 * Files that fail run once more, alone: tests of real processes that share a busy machine can miss deadlines counted in
 * blocks. What fails again has failed; what passes then is named as unsteady.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ROOT, run } from './run.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  success: boolean;
  testResults: { name: string; status: string; assertionResults: { fullName: string; status: string }[] }[];
}

const scratch = mkdtempSync(join(tmpdir(), 'fedai-test-'));

/** Told at the end, where whoever reads the last lines sees them. */
const remarks: string[] = [];

/** Undefined where the run left no report. */
async function vitest(name: string, args: readonly string[]): Promise<Report | undefined> {
  const file = join(scratch, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { code } = await run('vitest', ['run', ...args, ...reporters]);
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    return { ...report, success: report.success && code === 0 };
  } catch {
    return undefined;
  }
}

const failedIn = (report: Report): string[] =>
  report.testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    const file = relative(ROOT, name);
    if (failed.length === 0 && status === 'failed') return [`${file}: could not run`];
    return failed.map(({ fullName }) => `${file}: ${fullName}`);
  });

function countsOf(name: string, report: Report | undefined): Counts {
  if (report === undefined) {
    remarks.push(`failed: ${name} left no report`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { numPassedTests: passed, numFailedTests, numPendingTests: skipped, success } = report;
  const failures = failedIn(report);
  for (const failure of failures) remarks.push(`failed: ${failure}`);
  if (!success && failures.length === 0)
    remarks.push(`failed: ${name} ended with an error outside its tests`);
  return { passed, failed: Math.max(numFailedTests, failures.length, success ? 0 : 1), skipped };
}

async function vitestSuite(name: string, args: readonly string[]): Promise<Counts> {
  const first = await vitest(name, args);
  const red = first?.testResults.filter(({ status }) => status === 'failed') ?? [];
  if (first === undefined || red.length === 0) return countsOf(name, first);
  const files = red.map((result) => relative(ROOT, result.name));
  process.stdout.write(`\nonce more, alone: ${files.join(' ')}\n`);
  const config = args.filter((arg) => arg.startsWith('--config'));
  const second = await vitest(`${name}-again`, [...files, ...config, '--no-file-parallelism']);
  const again = countsOf(`${name}, once more`, second);
  const stillRed = new Set(second === undefined ? [] : failedIn(second));
  for (const failure of failedIn(first)) if (!stillRed.has(failure)) remarks.push(`unsteady: ${failure}`);
  const passedBefore = red.flatMap(({ assertionResults }) => assertionResults).filter(isPassed).length;
  return {
    ...again,
    passed: first.numPassedTests - passedBefore + again.passed,
    skipped: first.numPendingTests,
  };
}

const isPassed = ({ status }: { status: string }) => status === 'passed';

/** Hardhat prints one `N passing` line (and `N failing`) for each of its runners. */
async function contractsSuite(): Promise<Counts> {
  const { code, output } = await run('hardhat', ['test'], { capture: true });
  const total = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}`, 'gm'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  const failed = total('failing');
  if (failed > 0 || code !== 0) remarks.push('failed: contracts, see above');
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
process.stdout.write(`\n${[...remarks, ...lines].join('\n')}\n${sum.passed} passed, ${sum.failed} failed\n`);
process.exit(sum.failed === 0 && sum.passed + sum.skipped > 0 ? 0 : 1);
