/** Everything that reads strangers' bytes answers with a value, a verdict or a coded error, whatever it is fed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { toHex } from '../../core/index.ts';
import { checkSamples, DEFAULT_INPUTS, fuzz, inputOf, SEED } from './subject.ts';
import { EXEMPT, ROOMS } from './table.ts';

vi.setConfig({ testTimeout: 300_000 });

const totals = { inputs: 0, refused: 0 };
const codes = new Set<string>();
afterAll(() => {
  const { inputs, refused } = totals;
  process.stdout.write(
    `fuzz: FUZZ_SEED=${SEED}: ${inputs} inputs, ${refused} refused with ${codes.size} codes, the rest taken\n`,
  );
});

describe.each(Object.entries(ROOMS))('%s', (_room, table) => {
  test.each(Object.entries(table))('%s', async (name, subject) => {
    await checkSamples(name, subject);
    const outcome = await fuzz(name, subject);
    totals.inputs += outcome.inputs;
    totals.refused += outcome.refused;
    for (const code of outcome.codes.keys()) codes.add(code);
    if (process.env.FUZZ_VERBOSE) console.log(name, outcome);
  });
});

const subjects = Object.values(ROOMS).flatMap((table) => Object.entries(table));

test('a seed replays exactly, and names no two subjects alike', () => {
  expect(new Set(subjects.map(([name]) => name)).size).toBe(subjects.length);
  for (const [name, subject] of subjects) {
    for (let i = 0; i < 20; i++)
      expect(toHex(inputOf(subject, name, i))).toBe(toHex(inputOf(subject, name, i)));
  }
});

test('a run without settings is of 150 000 inputs or more', () => {
  const share = subjects.reduce((sum, [, subject]) => sum + (subject.share ?? 1), 0);
  expect(share * DEFAULT_INPUTS).toBeGreaterThanOrEqual(150_000);
});

const ROOT = join(import.meta.dirname, '../..');
/** Folders of the product; contracts and explorer read nothing of strangers by themselves. */
const FOLDERS = 'chain cli core engine evaluator job light market net profile pouw storage worker'
  .split(' ')
  .filter((folder) => existsSync(join(ROOT, folder)));
const DECODER = /^export (?:async )?(?:function\*?|const) ((?:decode|parse|read|open)[A-Z]\w*)/gm;

function exported(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.d\.ts$|generated|assembly/.test(name))
      .flatMap((name) => {
        const source = readFileSync(join(ROOT, folder, name), 'utf8');
        return [...source.matchAll(DECODER)].map(([, found]) => `${folder}/${name}#${found}`);
      }),
  );
}

const found = exported();
const covered = subjects.flatMap(([, { covers }]) => covers);

test('every exported decoder is fuzzed or exempt with a reason', () => {
  expect(found.length).toBeGreaterThan(80);
  const known = new Set([...covered, ...Object.keys(EXEMPT)]);
  expect(found.filter((decoder) => !known.has(decoder))).toEqual([]);
});

test('the table names only what there is, and exempts nothing that it fuzzes', () => {
  const there = new Set(found);
  expect([...covered, ...Object.keys(EXEMPT)].filter((decoder) => !there.has(decoder))).toEqual([]);
  expect(covered.filter((decoder) => decoder in EXEMPT)).toEqual([]);
});
