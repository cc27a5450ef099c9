/** The client of a devnet: imports the data, posts the job by the same commands as anyone, and follows it to its end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FedaiError } from '../../core/index.ts';
import type { Job } from '../../job/index.ts';
import type { Records } from '../../storage/index.ts';
import { DEMO_LICENCE } from '../demo/index.ts';
import { demoJob } from '../demo/job.ts';
import { readJobDraft, readJobFile } from '../jobFile.ts';
import type { JsonEvent } from '../output.ts';
import type { AccuracyMeter } from './accuracy.ts';
import type { Display } from './display.ts';
import type { Fleet } from './fleet.ts';
import type { Counts, Layout, Party } from './layout.ts';
import type { Network } from './network.ts';

export interface ClientInput {
  layout: Layout;
  fleet: Fleet;
  display: Display;
  /** As `fedai data import` takes it. */
  source: string;
  /** Job document of the user; the demo job when absent. */
  jobFile?: string;
  counts: Counts;
}

export interface PreparedJob {
  file: string;
  job: Job;
  train: string;
  test: string;
}

const clientOf = (layout: Layout): Party => layout.parties.find(({ role }) => role === 'client')!;

/** Imports both sets into the client's store and checks the job against them. */
export async function prepareJob(input: ClientInput): Promise<PreparedJob> {
  const { layout, fleet } = input;
  const client = clientOf(layout);
  const manifests: Record<string, string> = {};
  const licence = input.source === 'demo' ? DEMO_LICENCE : 'unknown';
  const args = ['data', 'import', input.source, '--data-dir', client.dataDir, '--licence', licence];
  const { jobFile } = input;
  const hidden = jobFile !== undefined && (await readJobDraft(jobFile)).document.data.train.encrypted;
  if (hidden) args.push('--encrypt-train');
  const child = fleet.start(client, args, {
    finite: true,
    label: 'data-import',
    onEvent(event) {
      if (event.event === 'dataset') manifests[String(event.set)] = String(event.manifest);
    },
  });
  const { code } = await child.ended;
  const { train, test } = manifests;
  if (code !== 0 || train === undefined || test === undefined) {
    throw new FedaiError(
      'IMPORT_FAILED',
      'the data could not be imported',
      { source: input.source, exitCode: code },
      {
        cause: child.tail().join('\n'),
        remedy: 'check the folder given with --data',
      },
    );
  }
  const file = input.jobFile ?? (await writeDemoJob(input, client, { train, test }));
  return { file, train, test, job: await readJobFile(file, { train, test }) };
}

async function writeDemoJob(
  { counts }: ClientInput,
  client: Party,
  { train, test }: { train: string; test: string },
): Promise<string> {
  const document = await demoJob({
    data: { train: { manifest: train, encrypted: false }, test: { manifest: test, encrypted: true } },
    workers: counts.workers,
    evaluators: counts.evaluators,
  });
  const file = join(client.dataDir, 'job.json');
  await writeFile(file, `${JSON.stringify(document, null, 2)}\n`);
  return file;
}

/** Posts the job and resolves with the event of its settlement. Rejects when the client ends before. */
export async function runJob(
  { layout, fleet, display }: ClientInput,
  prepared: PreparedJob,
  network: Network,
  meter: AccuracyMeter,
): Promise<JsonEvent> {
  const client = clientOf(layout);
  display.update({ type: 'rounds', rounds: prepared.job.document.training.rounds });
  const access = [
    ...['--chain-spec', layout.specFile, '--rpc', network.rpcs.join(','), '--data-dir', client.dataDir],
    ...['--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', network.bootstrap],
  ];
  const { promise: settled, resolve, reject } = Promise.withResolvers<JsonEvent>();
  // One that was killed and revived tells the story from the beginning.
  const told = new Set<string>();
  let id = '';
  const child = fleet.start(
    client,
    ['job', 'post', prepared.file, '--train', prepared.train, '--test', prepared.test, ...access],
    {
      finite: true,
      again: () => ['job', 'post', '--resume', id, ...access],
      onEnd: reject,
      onEvent(event) {
        const text = JSON.stringify(event);
        if (event.event === 'posted') id = String(event.id);
        if (event.event === 'settled') resolve(event);
        if (event.event !== 'job' || told.has(text)) return;
        told.add(text);
        display.update({ type: 'job', event });
        if (event.name === 'RoundCommitted') meter.measure(String(event.stateCid));
      },
    },
  );
  const outcome = await settled;
  await child.ended;
  return outcome;
}

/** Test records as the client knows them, for the accuracy curve. */
export async function testRecords(source: string): Promise<Records> {
  const { readSource } = await import('../source.ts');
  const { train, test } = await readSource(source);
  await train.close();
  const { shape, classes, count } = test;
  const records = { ...test.read(Array.from({ length: count }, (_, i) => i)), shape, classes };
  await test.close();
  return records;
}
