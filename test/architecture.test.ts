/** Holds the import table of the design: which folder may import which, through whose door, and what a browser may load. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** docs/architecture.md shows the same table; `contracts` means its generated ABI and bytecode. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ['core'],
  light: ['core'],
  net: ['core'],
  job: ['core', 'engine'],
  profile: ['core', 'engine'],
  pouw: ['core', 'engine', 'job'],
  storage: ['core', 'net', 'job'],
  market: ['core', 'job', 'contracts'],
  contracts: ['core'],
  chain: ['core', 'net', 'storage', 'engine', 'job', 'pouw', 'light', 'contracts'],
  worker: ['core', 'engine', 'job', 'net', 'storage', 'pouw', 'profile', 'market'],
  evaluator: ['core', 'engine', 'job', 'net', 'storage', 'pouw', 'profile', 'market'],
  verify: ['core', 'engine', 'job', 'pouw', 'light', 'market', 'contracts'],
  explorer: ['core', 'engine', 'job', 'pouw', 'light', 'market', 'verify', 'storage', 'contracts'],
};

/** Doors beside a folder's `index.ts`: parts that a browser must not load, or that start threads. */
const EXTRA_DOORS = [
  'core/keys/index.ts',
  'core/bls/index.ts',
  'core/metrics/index.ts',
  'engine/tfjs/index.ts',
  'pouw/replay/index.ts',
  'contracts/generated/index.ts',
  'contracts/deploy.ts',
  'storage/browser.ts',
  'storage/gateway-store.ts',
];

/** Folders that a browser loads: no `node:` module, except behind the doors named here. */
const BROWSER_SAFE = ['core', 'engine', 'job', 'pouw', 'light', 'market', 'verify', 'explorer'];
const NODE_ONLY = [
  /^core\/keys\//,
  /^core\/bls\//,
  /^core\/metrics\//,
  /^pouw\/replay\//,
  /^engine\/threads\//,
  /^engine\/tfjs\//,
  /^engine\/wasm\/assembly\//,
];

interface Import {
  from: string;
  to: string;
}

function sourceFiles(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(
      (name) =>
        /\.tsx?$/.test(name) && !name.endsWith('.t.ts') && !/generated|assembly|artifacts|cache/.test(name),
    )
    .map((name) => `${folder}/${name}`);
}

const IMPORT_PATTERN = /\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  return [...source.matchAll(IMPORT_PATTERN)].map((match) => (match[1] ?? match[2])!);
}

const folders = Object.keys(MAY_IMPORT);
const ours: Import[] = [];
const foreign: Import[] = [];
for (const from of folders.flatMap(sourceFiles)) {
  for (const specifier of importsOf(from)) {
    if (!specifier.startsWith('.')) foreign.push({ from, to: specifier });
    else ours.push({ from, to: relative(ROOT, resolve(ROOT, dirname(from), specifier)) });
  }
}
const folderOf = (path: string) => path.slice(0, path.indexOf('/'));
const crossing = ours.filter(({ from, to }) => folderOf(from) !== folderOf(to));

/** Folders and what they may import, as docs/architecture.md tells it. */
function documentedTable(): [folder: string, imports: string[]][] {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `\w+\/`/.test(line));
  return rows.flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const imports = cells[4] === '–' ? [] : cells[4]!.replace('ABI', 'contracts').split(', ');
    return [...cells[1]!.matchAll(/`(\w+)\/`/g)].map(([, folder]): [string, string[]] => [folder!, imports]);
  });
}

describe('the import table', () => {
  test('is the one that docs/architecture.md shows', () => {
    const known = documentedTable().filter(([folder]) => folder in MAY_IMPORT);
    expect(known.length).toBeGreaterThanOrEqual(13);
    for (const [folder, imports] of known) {
      expect([folder, imports.toSorted()]).toEqual([folder, MAY_IMPORT[folder]!.toSorted()]);
    }
  });

  test('names the doors that docs/architecture.md names', () => {
    const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
    expect(EXTRA_DOORS.filter((door) => !page.includes(`\`${door}\``))).toEqual([]);
  });

  test('was read from real files', () => {
    expect(ours.length).toBeGreaterThan(20);
  });

  test('holds for every import between folders', () => {
    const violations = crossing.filter(({ from, to }) => !MAY_IMPORT[folderOf(from)]!.includes(folderOf(to)));
    expect(violations).toEqual([]);
  });

  test('lets a folder be entered by its door only', () => {
    const violations = crossing.filter(
      ({ to }) => to !== `${folderOf(to)}/index.ts` && !EXTRA_DOORS.includes(to),
    );
    expect(violations).toEqual([]);
  });

  test('lets a browser load nothing of storage but what is made for it', () => {
    const taken = crossing.filter(
      ({ from, to }) => from.startsWith('explorer/') && to.startsWith('storage/'),
    );
    expect(new Set(taken.map(({ to }) => to))).toEqual(
      new Set(['storage/browser.ts', 'storage/gateway-store.ts']),
    );
  });

  test('keeps node: modules off the paths that a browser loads', () => {
    const violations = foreign.filter(
      ({ from, to }) =>
        to.startsWith('node:') &&
        BROWSER_SAFE.includes(folderOf(from)) &&
        !NODE_ONLY.some((path) => path.test(from)),
    );
    expect(violations).toEqual([]);
  });

  test('has no cycle between folders', () => {
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      MAY_IMPORT[from]!.some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))));
    expect(folders.filter((folder) => reaches(folder, folder))).toEqual([]);
  });
});
