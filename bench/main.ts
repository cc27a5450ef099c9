/** `npm run -s bench -- NAME [--json]`: every performance figure of the documentation, one command each. */

/** A figure: a number with its unit in its key, nested by group; null where a peer is missing. */
export type Figures = { [key: string]: number | string | boolean | null | Figures };

/** What a bench module exports as `bench`. `report` prints a line of progress to stderr. */
export type Bench = (report: (line: string) => void, args: readonly string[]) => Promise<Figures>;

const BENCHES = [
  'chain',
  'engine',
  'job',
  'chaos',
  'sync',
  'work',
  'explorer',
  'webgpu',
  'accuracy',
] as const;

const args = process.argv.slice(2);
const json = args.includes('--json');
const [name, ...rest] = args.filter((arg) => arg !== '--json');
if (!BENCHES.some((known) => known === name)) {
  process.stderr.write(`usage: npm run -s bench -- ${BENCHES.join('|')} [--json]\n`);
  process.exit(2);
}
const { bench } = (await import(`./${name}.ts`)) as { bench: Bench };
const figures = await bench((line) => process.stderr.write(`${line}\n`), rest);
if (json) process.stdout.write(`${JSON.stringify({ bench: name, figures })}\n`);
else printTable(figures, '');
process.exit(0);

function printTable(group: Figures, prefix: string): void {
  for (const [key, value] of Object.entries(group)) {
    if (value !== null && typeof value === 'object') printTable(value, `${prefix}${key}.`);
    else process.stdout.write(`${(prefix + key).padEnd(40)} ${format(value)}\n`);
  }
}

function format(value: number | string | boolean | null): string {
  if (value === null) return 'peer not installed';
  if (typeof value !== 'number') return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
