/** `/metrics`, `/healthz` and `/readyz` over HTTP. Owns its socket; what is healthy and what is ready, the process says. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FedaiError } from '../errors.ts';
import type { Service } from '../lifecycle.ts';
import type { MetricsRegistry } from './registry.ts';

/** Undefined when all is well, else why not. */
export type Check = () => string | undefined | Promise<string | undefined>;

export interface MetricsServerOptions {
  registry: MetricsRegistry;
  host: string;
  /** 0: any free one. */
  port: number;
  /** The process lives and can work; one that fails this is to be restarted. */
  health: Readonly<Record<string, Check>>;
  /** It serves its purpose now; one that fails this is to be left alone, and not sent work. */
  ready: Readonly<Record<string, Check>>;
}

export interface MetricsServer extends Service {
  /** Known after `start`. */
  readonly url: string;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** A check that hangs is a reason too. */
const CHECK_TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 64;

export function createMetricsServer(options: MetricsServerOptions): MetricsServer {
  const { host, registry } = options;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(options, registry, request.method ?? '', request.url ?? '/', response).catch(() =>
      response.destroy(),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = REQUEST_TIMEOUT_MS;
  return {
    get url() {
      const port = (server.address() as AddressInfo | null)?.port ?? options.port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    },
    start: () => listen(server, host, options.port),
    stop: () =>
      new Promise((resolve) => {
        if (!server.listening) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      const message = inUse ? `port ${port} is in use` : `cannot listen on ${host}:${port}`;
      const remedy = 'choose another with --metrics-port and --metrics-host';
      reject(
        new FedaiError(inUse ? 'PORT_IN_USE' : 'CANNOT_LISTEN', message, { host, port }, { cause, remedy }),
      );
    });
    server.listen(port, host, resolve);
  });
}

async function answer(
  { health, ready }: MetricsServerOptions,
  registry: MetricsRegistry,
  method: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const [path] = url.split('?');
  if (method !== 'GET' && method !== 'HEAD') return json(response, 405, { error: 'method not allowed' });
  if (path === '/healthz') return report(response, health);
  if (path === '/readyz') return report(response, { ...health, ...ready });
  if (path !== '/metrics') {
    return json(response, 404, { error: 'not found', remedy: 'GET /metrics, /healthz or /readyz' });
  }
  response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.text());
}

async function report(response: ServerResponse, checks: Readonly<Record<string, Check>>): Promise<void> {
  const reasons: Record<string, string> = {};
  const look = async ([name, check]: [string, Check]) => {
    const reason = await within(check);
    if (reason !== undefined) reasons[name] = reason;
  };
  await Promise.all(Object.entries(checks).map(look));
  const isWell = Object.keys(reasons).length === 0;
  json(response, isWell ? 200 : 503, { status: isWell ? 'ok' : 'failing', reasons });
}

async function within(check: Check): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('the check took too long'), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return error instanceof FedaiError ? `${error.code}: ${error.message}` : 'the check failed';
  } finally {
    clearTimeout(timer);
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
