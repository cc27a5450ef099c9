/**
 * Serves the explorer on this machine and passes what its pages ask on to one chain node: JSON-RPC, content and
 * WebSocket, nothing else. Pages so never call another origin. Owns no cache and no state.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { openPages, type Pages } from '../../chain/index.ts';
import { FedaiError, type Log } from '../../core/index.ts';

export interface ExplorerProxyOptions {
  /** Folder of the built pages. */
  pages: string;
  /** Address of the chain node. */
  rpc: string;
  host: string;
  /** 0: any free one. */
  port: number;
  log: Log;
}

export interface ExplorerProxy {
  /** Of the explorer's first page. */
  readonly url: string;
  stop(): Promise<void>;
}

/** As a chain node takes it. */
const MAX_BODY_BYTES = 5 * 2 ** 20;
const TIMEOUT_MS = 60_000;
/** Wallets call from their own pages, which no web page can pass for. */
const EXTENSION = /^(?:chrome|moz|safari-web)-extension:\/\//;
const CONTENT = /^\/ipfs\/[a-zA-Z0-9]{8,128}$/;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

export async function startExplorerProxy(options: ExplorerProxyOptions): Promise<ExplorerProxy> {
  const pages = await openPages(options.pages);
  const server = createServer((request, response) => {
    answer(options, pages, request, response).catch((error: unknown) => {
      options.log.debug('the chain node does not answer', { error });
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isOwnPage(request, options.host)) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (client) => join(client, options.rpc));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new FedaiError(
          'CANNOT_LISTEN',
          `cannot listen on ${options.host}:${options.port}`,
          {},
          {
            cause,
            remedy: 'choose another port with --port',
          },
        ),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}/explorer`,
    async stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A page of another name (DNS rebinding) or origin must not reach the chain node through us. */
function isOwnPage({ headers }: IncomingMessage, bound: string): boolean {
  const { host = '', origin } = headers;
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  if (LOOPBACK.test(bound) && !LOOPBACK.test(name.replace(/^\[|\]$/g, ''))) return false;
  return (
    origin === undefined || EXTENSION.test(origin) || (URL.canParse(origin) && new URL(origin).host === host)
  );
}

async function answer(
  options: ExplorerProxyOptions,
  pages: Pages,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwnPage(request, options.host)) return void response.writeHead(403).end();
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'GET' && pathname === '/')
    return void response.writeHead(302, { location: '/explorer' }).end();
  const page = pages.answer(pathname, request.headers['accept-encoding']?.toString());
  if (request.method === 'GET' && page !== undefined) {
    response.writeHead(page.status, { ...page.headers, 'content-type': page.type ?? 'application/json' });
    return void response.end(page.body);
  }
  const isCall = request.method === 'POST' && pathname === '/';
  const isContent = /^(?:GET|PUT)$/.test(request.method ?? '') && CONTENT.test(pathname);
  if (!isCall && !isContent) return void response.writeHead(404).end();
  await passOn(new URL(pathname, options.rpc), request, response);
}

async function passOn(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', headers } = request;
  const body = method === 'GET' ? undefined : new Uint8Array(await bodyOf(request));
  const answered = await fetch(url, {
    method,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body !== undefined && {
      body,
      headers: {
        'content-type': headers['content-type'] ?? '',
        ...(headers.authorization !== undefined && { authorization: headers.authorization }),
      },
    }),
  });
  response.writeHead(answered.status, {
    'content-type': answered.headers.get('content-type') ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
  });
  for await (const part of answered.body ?? []) response.write(part);
  response.end();
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new FedaiError('TOO_LARGE', 'the request is too large', { got: size });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Ties a page's WebSocket to one of the chain node; when either ends, so does the other. */
function join(client: WebSocket, rpc: string): void {
  const url = new URL(rpc);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const upstream = new WebSocket(url, { perMessageDeflate: false });
  const early: string[] = [];
  client.on('message', (data) => {
    const text = data.toString();
    if (upstream.readyState === upstream.OPEN) upstream.send(text);
    else if (early.length < 16) early.push(text);
  });
  upstream.on('open', () => {
    for (const text of early) upstream.send(text);
  });
  upstream.on('message', (data) => client.readyState === client.OPEN && client.send(data.toString()));
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('close', () => other.terminate());
    one.on('error', () => other.terminate());
  }
}
