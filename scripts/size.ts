/** `npm run size`: the line budget. Lists source lines by folder and fails when a file is over its limit. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run.ts';

/** The limit of the style page; function lengths are held by the linter. Data tables live in `vectors` or `tables` files. */
const MAX_FILE_LINES = 400;
const EXEMPT = /\/(vectors|generated)\/|\.tables\.ts$/;

const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx', '*.sol', '*.js'],
  {
    cwd: ROOT,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((path) => path !== '' && !EXEMPT.test(`/${path}`) && existsSync(join(ROOT, path)));

const byFolder = new Map<string, { files: number; lines: number }>();
const tooLong: string[] = [];
for (const path of files) {
  const lines = readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1;
  const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : '.';
  const sum = byFolder.get(folder) ?? { files: 0, lines: 0 };
  byFolder.set(folder, { files: sum.files + 1, lines: sum.lines + lines });
  if (lines > MAX_FILE_LINES) tooLong.push(`${path}: ${lines} lines, at most ${MAX_FILE_LINES}`);
}

for (const [folder, { files: count, lines }] of [...byFolder].sort((a, b) => b[1].lines - a[1].lines)) {
  process.stdout.write(
    `${folder.padEnd(12)} ${String(count).padStart(4)} files ${String(lines).padStart(6)} lines\n`,
  );
}
if (tooLong.length > 0) {
  process.stderr.write(`${tooLong.join('\n')}\nSplit them by phase or by verb.\n`);
  process.exit(1);
}
