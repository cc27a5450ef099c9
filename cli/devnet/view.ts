/** Draws the state of a devnet for a terminal. Pure: state and width in, text out. */
import colors from 'picocolors';
import { formatTrain } from '../options.ts';
import type { DevnetState } from './state.ts';

const SPARKS = '▁▂▃▄▅▆▇█';
const BAR_WIDTH = 20;
const LABEL_WIDTH = 10;

export interface Naming {
  /** Names by lower-case account. */
  names: Readonly<Record<string, string>>;
}

export function renderView(state: DevnetState, { names }: Naming, width: number): string {
  const rows = [
    `${colors.bold('fedai devnet')}  ${state.phase}`,
    row('processes', processLine(state)),
    row('chain', chainLine(state)),
    row('work', workLine(state, names)),
    row('job', jobLine(state)),
    row(
      'loss',
      curve(state.losses, (value) => value.toFixed(3)),
    ),
    row(
      'accuracy',
      curve(state.accuracies, (value) => `${(100 * value).toFixed(1)} %`),
    ),
    ...Object.entries(state.workers).map(([name, at]) =>
      row(
        name,
        `${String(Math.round(at.samplesPerSecond)).padStart(6)} samples/s in training round ${at.round + 1}`,
      ),
    ),
    row('payouts', payoutLine(state, names)),
    '',
    ...state.lines.map((line) => colors.dim(line)),
  ];
  return rows.map((line) => clip(line, width)).join('\n');
}

const row = (label: string, text: string): string => `${colors.cyan(label.padEnd(LABEL_WIDTH))} ${text}`;

function processLine({ processes }: DevnetState): string {
  const states = Object.values(processes);
  const count = (state: string) => states.filter((one) => one === state).length;
  const ended = count('ended');
  return `${count('running')} running, ${count('starting')} starting${ended > 0 ? colors.red(`, ${ended} ended`) : ''}`;
}

function chainLine({ chain }: DevnetState): string {
  if (!chain) return 'waiting for the first block';
  return `height ${chain.height}  final in ${Math.round(chain.finalityMs)} ms  ${chain.peers} peers`;
}

/** What sealed the latest work block, and how many there are. */
function workLine({ workBlocks }: DevnetState, names: Naming['names']): string {
  const last = workBlocks.at(-1);
  if (last === undefined) return 'no training has sealed a block yet';
  const worker = names[last.worker] ?? last.worker;
  return `${workBlocks.length} blocks sealed by training; block ${last.height} by segment ${last.segment} of ${worker}, drawn at ${last.drawHeight}`;
}

function jobLine({ job }: DevnetState): string {
  if (!job) return 'not posted yet';
  const done = job.rounds === 0 ? 0 : Math.round((BAR_WIDTH * job.round) / job.rounds);
  return `${job.id || '–'} ${job.state}  ${'█'.repeat(done)}${'░'.repeat(BAR_WIDTH - done)} training round ${job.round}/${job.rounds}`;
}

function payoutLine({ credits }: DevnetState, names: Naming['names']): string {
  const paid = Object.entries(credits).map(
    ([account, wei]) => `${names[account] ?? account.slice(0, 10)} ${shortTrain(wei)}`,
  );
  return paid.length === 0 ? 'none yet' : `${paid.join('  ')}  TRAIN`;
}

/** Enough digits for a glance; the verdict prints amounts to the wei. */
const shortTrain = (wei: bigint): string => formatTrain(wei).replace(/(\.\d{3})\d+$/, '$1…');

/** A sparkline between the lowest and the highest value, and the latest value. */
export function curve(values: readonly number[], format: (value: number) => string): string {
  if (values.length === 0) return 'none yet';
  const lowest = Math.min(...values);
  const span = Math.max(...values) - lowest || 1;
  const bars = values.map((value) => SPARKS[Math.round(((value - lowest) / span) * (SPARKS.length - 1))]);
  return `${bars.join('')}  ${format(values[0]!)} → ${colors.bold(format(values.at(-1)!))}`;
}

/** Cuts plain text at the terminal's edge; colour codes take no room. */
function clip(line: string, width: number): string {
  let shown = 0;
  let at = 0;
  while (at < line.length && shown < width) {
    const code = line.startsWith('\u001b[', at) ? line.indexOf('m', at) : -1;
    if (code >= 0) at = code + 1;
    else {
      at++;
      shown++;
    }
  }
  return at < line.length ? `${line.slice(0, at)}\u001b[0m` : line;
}
