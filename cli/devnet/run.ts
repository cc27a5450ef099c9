/** `fedai devnet`: a whole network of real processes on this machine, one job through it, a verdict, and a clean end. */
import { rm } from 'node:fs/promises';
import { type Context, untilStopped } from '../action.ts';
import { EXIT, type ExitCode, Interrupted } from '../exit.ts';
import { openBrowser } from '../explorer/openBrowser.ts';
import { type AccuracyMeter, createAccuracyMeter } from './accuracy.ts';
import {
  type Chaos,
  type ChaosOptions,
  chaosSummary,
  chaosText,
  type Recovery,
  startChaos,
} from './chaos.ts';
import { type ClientInput, type PreparedJob, prepareJob, runJob, testRecords } from './client.ts';
import { createDisplay, type Display } from './display.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { type Counts, type Layout, prepareLayout } from './layout.ts';
import { type Network, startNetwork } from './network.ts';
import { watchParent } from './parent.ts';
import { type StatusWatch, watchStatus } from './status.ts';
import { doneEvent, judge, openLedger, type Verdict, verdictText } from './verdict.ts';

export interface DevnetOptions extends Counts {
  rpcPort: number;
  /** As `fedai data import` takes it. */
  source: string;
  dataDir?: string;
  job?: string;
  phrase?: string;
  /** Processes are killed while the job runs. */
  chaos?: ChaosOptions;
  /** Blocks between two draws of useful work; 0 for none. */
  workInterval: number;
  exit: boolean;
  /** The explorer, in a browser. */
  open: boolean;
  keepLogs: boolean;
}

export async function runDevnet(context: Context, options: DevnetOptions): Promise<ExitCode> {
  const { output } = context;
  const { dataDir, phrase } = options;
  const layout = await prepareLayout(options, {
    signal: context.signal,
    onProgress: (text) => output.progress(text),
    ...(dataDir !== undefined && { dataDir }),
    ...(phrase !== undefined && { phrase }),
  });
  const names = Object.fromEntries(
    layout.parties.map(({ keys, name }) => [keys.address.toLowerCase(), name]),
  );
  const display = await createDisplay(output, { names });
  const fleet = createFleet(layout, display);
  const stop = stopSignal(context.signal);
  let failed = true;
  try {
    const code = await runAndServe({ context, options, layout, display, fleet, stop });
    failed = code !== EXIT.ok;
    return code;
  } catch (error) {
    failed = !(error instanceof Interrupted);
    throw error;
  } finally {
    display.close();
    output.progress('stopping all processes …');
    await fleet.stopAll();
    stop.close();
    await cleanUp(layout, options, failed, output.progress);
  }
}

interface Run {
  context: Context;
  options: DevnetOptions;
  layout: Layout;
  display: Display;
  fleet: Fleet;
  stop: StopSignal;
}

async function runAndServe(run: Run): Promise<ExitCode> {
  const { context, options, display, stop } = run;
  const { verdict, network, status, recoveries } = await runThroughJob(run);
  const good =
    verdict.verified &&
    verdict.payments.exact &&
    verdict.workVerified === verdict.workBlocks &&
    verdict.receipt.state === 'Completed';
  const wallSeconds = Math.round(performance.now() / 100) / 10;
  const chain = { height: display.state().chain?.height ?? 0, validators: options.validators };
  display.close();
  const chaos = options.chaos && chaosSummary(recoveries, options.chaos);
  const text = [verdictText(verdict, wallSeconds), ...(chaos ? [chaosText(chaos)] : [])].join('\n');
  context.output.event(doneEvent(verdict, chain, wallSeconds, chaos), text);
  if (!options.exit) {
    context.output.progress(
      `\nthe network stays up: explorer at ${network.rpcs[0]}/explorer, JSON-RPC at ${network.rpcs[0]}, chain spec ${run.layout.specFile}`,
    );
    context.output.progress('Ctrl-C stops all of it');
    await untilStopped(stop.signal);
  }
  status.stop();
  return good ? EXIT.ok : EXIT.failed;
}

interface Outcome {
  verdict: Verdict;
  network: Network;
  status: StatusWatch;
  recoveries: Recovery[];
}

async function runThroughJob(run: Run): Promise<Outcome> {
  const { layout, display, fleet, options, stop } = run;
  const client: ClientInput = {
    layout,
    fleet,
    display,
    source: options.source,
    counts: options,
    ...(options.job !== undefined && { jobFile: options.job }),
  };
  // The import needs no chain: both start at once.
  const importing = prepareJob(client);
  importing.catch(() => {});
  const { rpcPort, workInterval } = options;
  const network = await stop.orStopped(startNetwork({ layout, fleet, display, rpcPort, workInterval }));
  tellExplorer(run, `${network.rpcs[0]}/explorer`);
  const status = watchStatus(network.rpcs[0]!, display);
  let recoveries: Recovery[] = [];
  const steps = async (): Promise<Verdict> => {
    const prepared = await importing;
    await network.workersReady;
    const ledger = await openLedger(layout, network);
    const meter = await openMeter(client, prepared, network);
    display.update({ type: 'phase', text: 'training …' });
    const chaos: Chaos | undefined = options.chaos && startChaos({ ...run, network, options: options.chaos });
    const settled = await runJob(client, prepared, network, meter);
    if (chaos) recoveries = await chaos.stop();
    return judge({ layout, fleet, display }, network, ledger, String(settled.id));
  };
  const verdict = await stop.orStopped(Promise.race([steps(), status.stalled]));
  return { verdict, network, status, recoveries };
}

function tellExplorer({ context, options, display }: Run, url: string): void {
  display.update({ type: 'line', text: `the explorer is at ${url}` });
  if (options.open) openBrowser(url, context.output.log);
}

async function openMeter(input: ClientInput, { job }: PreparedJob, network: Network): Promise<AccuracyMeter> {
  const { display } = input;
  const onAccuracy = (value: number) => display.update({ type: 'accuracy', value });
  return createAccuracyMeter(job, await testRecords(input.source), network.rpcs[0]!, onAccuracy);
}

interface StopSignal {
  signal: AbortSignal;
  /** The promise, or a rejection as soon as the devnet is to stop. */
  orStopped<T>(promise: Promise<T>): Promise<T>;
  close(): void;
}

/** Joins what stops a devnet: a signal to this process, and the death of the npm that runs it. */
function stopSignal(outer: AbortSignal): StopSignal {
  const parentGone = new AbortController();
  const unwatch = watchParent(() => parentGone.abort(new Interrupted('the end of npm')));
  const signal = AbortSignal.any([outer, parentGone.signal]);
  const stopped = untilStopped(signal).then((): never => {
    throw signal.reason;
  });
  stopped.catch(() => {});
  return { signal, close: unwatch, orStopped: (promise) => Promise.race([promise, stopped]) };
}

async function cleanUp(
  layout: Layout,
  options: DevnetOptions,
  failed: boolean,
  tell: (text: string) => void,
): Promise<void> {
  const keepLogs = options.keepLogs || failed;
  if (keepLogs) tell(`logs are in ${layout.logs}`);
  if (!layout.temporary) {
    if (!keepLogs) await rm(layout.logs, { recursive: true, force: true });
    return;
  }
  const doomed = keepLogs
    ? [...layout.parties.map(({ dataDir }) => dataDir), layout.specFile]
    : [layout.root];
  for (const path of doomed) await rm(path, { recursive: true, force: true });
}
