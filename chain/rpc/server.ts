/**
 * The HTTP face of a chain node: JSON-RPC by POST and WebSocket, `/health`, raw content blocks under `/ipfs/` (to be had,
 * and where it is allowed to be left), the explorer.
 * Owns the socket and its limits; bound to this machine unless told otherwise, and closed to web pages by default.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Clock,
  FedaiError,
  type Log,
  type Metrics,
  noMetrics,
  type Service,
  systemClock,
} from '../../core/index.ts';
import type { ChainApplication } from '../application.ts';
import { createDispatch, type Dispatch, requestFault } from './dispatch.ts';
import { INVALID_REQUEST, rpcFault } from './faults.ts';
import { isKnownHost } from './host.ts';
import { type Answer, json, readBody, send } from './http.ts';
import type { ContentIntake } from './intake.ts';
import { openPages, type Pages } from './pages.ts';
import { attachSockets } from './sockets.ts';

export interface RpcServerOptions {
  readonly application: ChainApplication;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly host?: string;
  /** 0: any free one. */
  readonly port: number;
  /** Origins of web pages that may call; '*' for all. None by default. */
  readonly corsOrigins?: readonly string[];
  /** Bytes of one content block by CID, undefined when it is not to be had. */
  readonly content?: (cid: string) => Promise<Uint8Array | undefined>;
  /** Takes content blocks by `PUT /ipfs/<cid>`; none are taken when absent. */
  readonly intake?: ContentIntake;
  /** Folder of the explorer's built pages, served under `/explorer`. */
  readonly explorer?: string;
  /** Added to `fedai_status`. */
  readonly status?: () => object | Promise<object>;
  /** Answers `fedai_getEvidence`. */
  readonly evidence?: () => Promise<readonly object[]>;
  /** Answers `fedai_getPeers`. */
  readonly peers?: () => Promise<readonly object[]>;
  readonly clock?: Clock;
  /** Fewer where the limit of open files is low: a flood here must not take the files of the chain. */
  readonly maxConnections?: number;
}

export interface RpcServer extends Service {
  /** Known after `start`. */
  readonly url: string;
  readonly port: number;
}

const DEFAULT_HOST = '127.0.0.1';
/** As geth. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;
/** A slow sender is cut off, so that idle sockets do not pile up. */
const REQUEST_TIMEOUT_MS = 30_000;
/** A caller that does not take its answer is cut off likewise. */
const IDLE_TIMEOUT_MS = 120_000;
const MAX_CONNECTIONS = 512;
const CID = /^[a-zA-Z0-9]{8,128}$/;

export function createRpcServer(options: RpcServerOptions): RpcServer {
  const { application, log, clock = systemClock, status = () => ({}), evidence = async () => [] } = options;
  const host = options.host ?? DEFAULT_HOST;
  const { metrics = noMetrics, peers = async () => [] } = options;
  const context = { application, log, metrics, clock, status, evidence, peers };
  const dispatch = createDispatch(context);
  let pages: Pages | undefined;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    respond({ ...options, pages }, dispatch, request, response).catch((error: unknown) => {
      log.warn('RPC answer failed', { error });
      response.destroy();
    });
  });
  const sockets = attachSockets(server, {
    context,
    dispatch,
    host,
    corsOrigins: options.corsOrigins ?? [],
  });
  server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  server.timeout = IDLE_TIMEOUT_MS;
  const port = () => (server.address() as AddressInfo | null)?.port ?? options.port;
  return {
    get url() {
      return `http://${host.includes(':') ? `[${host}]` : host}:${port()}`;
    },
    get port() {
      return port();
    },
    async start() {
      if (options.explorer !== undefined) pages = await openPages(options.explorer);
      await listen(server, host, options.port);
    },
    stop: () =>
      new Promise((resolve) => {
        if (!server.listening) return resolve();
        server.close(() => resolve());
        sockets.close();
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const inUse = cause.code === 'EADDRINUSE';
      reject(
        new FedaiError(
          inUse ? 'PORT_IN_USE' : 'CANNOT_LISTEN',
          inUse ? `port ${port} is in use` : `cannot listen on ${host}:${port}`,
          { host, port },
          {
            cause,
            remedy: inUse
              ? 'stop the program that uses it, or choose another with --rpc-port'
              : 'choose an address and a port that this account may listen on',
          },
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

interface Routes extends RpcServerOptions {
  readonly pages: Pages | undefined;
}

async function respond(
  options: Routes,
  dispatch: Dispatch,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cors = corsHeaders(request.headers.origin, options.corsOrigins ?? []);
  const answer = await route(options, dispatch, request);
  send(response, answer, cors);
}

function corsHeaders(origin: string | undefined, allowed: readonly string[]): Record<string, string> {
  if (origin === undefined) return {};
  const any = allowed.includes('*');
  if (!any && !allowed.includes(origin)) return {};
  return {
    'access-control-allow-origin': any ? '*' : origin,
    'access-control-allow-methods': 'GET, POST, PUT, OPTIONS',
    'access-control-allow-headers': 'content-type, authorization',
    vary: 'origin',
  };
}

async function route(options: Routes, dispatch: Dispatch, request: IncomingMessage): Promise<Answer> {
  if (!isKnownHost(request.headers.host, options.host ?? DEFAULT_HOST, options.corsOrigins ?? [])) {
    return json(403, { error: 'unknown host name', remedy: 'call by address or as localhost' });
  }
  const pathname = pathOf(request.url);
  if (request.method === 'OPTIONS') return { status: 204 };
  if (request.method === 'POST' && pathname === '/') return await answerCall(dispatch, request);
  if (request.method === 'PUT' && pathname.startsWith('/ipfs/'))
    return await takeContent(options, pathname.slice('/ipfs/'.length), request);
  if (request.method !== 'GET') return json(405, { error: 'method not allowed' });
  if (pathname === '/health') {
    return json(200, { status: 'ok', height: options.application.head.height });
  }
  if (pathname.startsWith('/ipfs/')) return await answerContent(options, pathname.slice('/ipfs/'.length));
  if (pathname === '/' && options.pages !== undefined)
    return { status: 302, headers: { location: '/explorer' } };
  const page = options.pages?.answer(pathname, request.headers['accept-encoding']?.toString());
  return page ?? json(404, { error: 'not found', remedy: 'POST JSON-RPC to /' });
}

/** Empty for what is no address at all. */
function pathOf(url = '/'): string {
  return URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost').pathname : '';
}

async function answerCall(dispatch: Dispatch, request: IncomingMessage): Promise<Answer> {
  // This media type makes browsers ask first, so pages from elsewhere cannot call without CORS.
  if (!request.headers['content-type']?.startsWith('application/json')) {
    return json(415, { error: 'content-type must be application/json' });
  }
  let body: string;
  try {
    body = await readBody(request, MAX_BODY_BYTES);
  } catch (error) {
    if (!(error instanceof FedaiError) || error.code !== 'TOO_LARGE') throw error;
    const fault = requestFault(rpcFault(INVALID_REQUEST, `request body exceeds ${MAX_BODY_BYTES} bytes`));
    return { status: 413, type: 'application/json', body: fault, headers: { connection: 'close' } };
  }
  const answer = await dispatch(body);
  return answer === undefined ? { status: 204 } : { status: 200, type: 'application/json', body: answer };
}

/** Trustless gateway (raw blocks only): the caller checks the bytes against the CID. */
async function answerContent(options: RpcServerOptions, cid: string): Promise<Answer> {
  if (!CID.test(cid)) return json(400, { error: 'not a CID' });
  const bytes = await options.content?.(cid);
  if (bytes === undefined) return json(404, { error: 'content not found' });
  return {
    status: 200,
    type: 'application/vnd.ipld.raw',
    body: bytes,
    headers: { 'cache-control': 'public, max-age=29030400, immutable', 'x-content-type-options': 'nosniff' },
  };
}

async function takeContent(
  { intake }: RpcServerOptions,
  cid: string,
  request: IncomingMessage,
): Promise<Answer> {
  if (!CID.test(cid)) return json(400, { error: 'not a CID' });
  if (intake !== undefined) return await intake.answer(cid, request);
  return json(405, {
    error: 'this chain node takes no content',
    remedy: 'start it with --accept-content, or put the data in by `fedai data import`',
  });
}
