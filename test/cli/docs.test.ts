/** docs/cli.md and docs/examples against the program: what the page says is what the commands take and print. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoJob } from '../../cli/demo/job.ts';
import { EXIT } from '../../cli/exit.ts';
import { buildProgram } from '../../cli/program.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
const words = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, -1))
  .map(([command, , options, events]) => ({
    command: words(command!)[0]!,
    options: words(options!),
    events: words(events!),
  }));

const commands = new Map(
  buildProgram().commands.flatMap((group) =>
    group.commands.length === 0
      ? [[group.name(), group] as const]
      : group.commands.map((command) => [`${group.name()} ${command.name()}`, command] as const),
  ),
);

/** All our source outside of tests, as one text. */
const source = ['cli', 'worker', 'evaluator']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  )
  .join('\n');

describe('the page of commands', () => {
  it('has a row for every command and no other', () => {
    expect(rows.map(({ command }) => command).toSorted()).toEqual([...commands.keys()].toSorted());
  });

  it.each(rows.map((row) => [row.command, row] as const))('%s: its options exist', (name, { options }) => {
    const known = commands.get(name)!.options.map(({ long }) => long);
    expect(options.filter((option) => !known.includes(option))).toEqual([]);
  });

  it.each(rows.map((row) => [row.command, row] as const))(
    '%s: its events are printed',
    (_name, { events }) => {
      const printed = (event: string) => new RegExp(`(?:event|type): '${event}'`).test(source);
      expect(events.length).toBeGreaterThan(0);
      expect(events.filter((event) => !printed(event))).toEqual([]);
    },
  );

  it('lists exactly the exit codes there are', () => {
    const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]));
    expect(listed).toEqual(Object.values(EXIT));
  });

  it('names options that exist in its examples', () => {
    for (const [, name, rest] of page.matchAll(/^npx fedai ((?:key|chain|data|job) \w+)(.*)$/gm)) {
      const known = commands.get(name!)!.options.map(({ long }) => long);
      for (const [option] of rest!.matchAll(/--[\w-]+/g)) expect(known).toContain(option);
    }
  });
});

it('docs/examples/demo-job.json is the demo job without its data sets', async () => {
  const written = JSON.parse(readFileSync(join(ROOT, 'docs/examples/demo-job.json'), 'utf8'));
  const anywhere = {
    train: { manifest: '', encrypted: false },
    test: { manifest: '', encrypted: true },
  } as const;
  const { data: _, ...expected } = await demoJob({ data: anywhere, workers: 3, evaluators: 3 });
  expect(written).toEqual(JSON.parse(JSON.stringify(expected)));
});
