/** `--metrics-port`: measures a daemon and answers `/metrics`, `/healthz` and `/readyz`. Without it nothing is measured. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { hostFault, type Metrics, noMetrics } from '../core/index.ts';
import type { Check } from '../core/metrics/index.ts';
import { port } from './options.ts';

export interface MetricsAccess {
  metricsPort?: number;
  metricsHost: string;
}

export interface Measuring {
  /** For the parts of the daemon. */
  readonly metrics: Metrics;
  /** Starts to answer; the address, undefined without `--metrics-port`. `ready`: what the daemon needs to be of use. */
  serve(ready: Readonly<Record<string, Check>>): Promise<string | undefined>;
  stop(): Promise<void>;
}

export function metricsAccess(command: Command): Command {
  return command
    .option(
      '--metrics-port <port>',
      'answer /metrics, /healthz and /readyz; 0 takes a free port (default: off)',
      port,
    )
    .option('--metrics-host <host>', 'address that metrics are answered on', '127.0.0.1');
}

export async function openMetrics(options: MetricsAccess & { dataDir: string }): Promise<Measuring> {
  const { metricsPort, metricsHost, dataDir } = options;
  if (metricsPort === undefined) {
    return { metrics: noMetrics, serve: async () => undefined, stop: async () => {} };
  }
  const { createMetricsRegistry, createMetricsServer, watchLoop } = await import('../core/metrics/index.ts');
  const registry = createMetricsRegistry();
  const loop = watchLoop();
  let stopServer = async () => {};
  return {
    metrics: registry.metrics,
    async serve(ready) {
      const health = { eventLoop: loop.check, store: () => storeFault(dataDir) };
      const server = createMetricsServer({ registry, host: metricsHost, port: metricsPort, health, ready });
      await server.start();
      stopServer = () => server.stop();
      return server.url;
    },
    async stop() {
      loop.stop();
      await stopServer();
    },
  };
}

/** Why nothing can be written to the data directory. */
async function storeFault(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, `.health-${process.pid}-${crypto.randomUUID()}`);
  try {
    await writeFile(path, 'x');
    return undefined;
  } catch (error) {
    return hostFault(error, dataDir)?.code ?? 'the data directory cannot be written';
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
}
