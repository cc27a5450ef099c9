/**
 * JSON-RPC over WebSocket on the port of the HTTP server, with subscriptions. Owns the connections and their limits: a
 * page of an origin that is not allowed, a peer that vanished and a reader that is too slow are cut off.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { Dispatch } from './dispatch.ts';
import { isKnownHost } from './host.ts';
import { createSubscriptions, type Subscriptions } from './subscriptions.ts';
import type { RpcContext } from './types.ts';

export interface SocketOptions {
  readonly context: RpcContext;
  readonly dispatch: Dispatch;
  readonly host: string;
  readonly corsOrigins: readonly string[];
}

export interface Sockets {
  close(): void;
}

const MAX_CONNECTIONS = 128;
/** As of an HTTP body. */
const MAX_MESSAGE_BYTES = 5 * 1024 * 1024;
/** Messages of one caller that wait for their answers; more is a flood. */
const MAX_WAITING = 128;
/** Unsent bytes at which a reader is too slow to keep: heads and logs do not wait. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** A peer that answers no ping within this time is gone. */
const PING_MS = 30_000;

/** Close codes of RFC 6455. */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;
const GOING_AWAY = 1001;

export function attachSockets(server: Server, options: SocketOptions): Sockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refuse(request, options, sockets.clients.size);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connection) => serve(connection, options));
  });
  return {
    close() {
      for (const connection of sockets.clients) {
        connection.close(GOING_AWAY);
        connection.terminate();
      }
      sockets.close();
    },
  };
}

/** Browsers let any page open a WebSocket and only name its origin: it is for us to refuse. */
function refuse(
  { headers }: IncomingMessage,
  options: SocketOptions,
  connections: number,
): string | undefined {
  const { host, corsOrigins } = options;
  if (!isKnownHost(headers.host, host, corsOrigins)) return '403 Forbidden';
  const { origin } = headers;
  const isAllowed = origin === undefined || corsOrigins.includes('*') || corsOrigins.includes(origin);
  if (!isAllowed && !isOwnPage(origin, headers.host)) return '403 Forbidden';
  return connections >= MAX_CONNECTIONS ? '503 Service Unavailable' : undefined;
}

/** The explorer, which this port serves; whether the name is one of ours was asked before. */
const isOwnPage = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.canParse(origin) && new URL(origin).host === host.toLowerCase();

function serve(connection: WebSocket, { context, dispatch }: SocketOptions): void {
  const send = (text: string) => {
    if (connection.readyState !== connection.OPEN) return;
    if (connection.bufferedAmount > MAX_UNSENT_BYTES)
      cutOff(connection, TRY_AGAIN_LATER, 'too slow a reader');
    else connection.send(text);
  };
  const subscriptions = createSubscriptions(context, send);
  const stopPings = pingRegularly(connection);
  const answer = answerInTurn(connection, (body) => dispatch(body, subscriptions.methods), send);
  connection.on('message', answer);
  connection.on('error', (error) => context.log.debug('WebSocket failed', { error }));
  connection.on('close', () => end(subscriptions, stopPings));
}

function end(subscriptions: Subscriptions, stopPings: () => void): void {
  stopPings();
  subscriptions.close();
}

/** One after the other, so that a caller's answers come in the order of its questions. */
function answerInTurn(
  connection: WebSocket,
  dispatch: (body: string) => Promise<string | undefined>,
  send: (text: string) => void,
): (data: RawData) => void {
  let waiting = 0;
  let tail = Promise.resolve();
  return (data) => {
    if (waiting >= MAX_WAITING) return cutOff(connection, POLICY_VIOLATION, 'too many calls wait');
    waiting++;
    tail = tail.then(async () => {
      waiting--;
      if (connection.readyState !== connection.OPEN) return;
      const text = await dispatch(data.toString());
      if (text !== undefined) send(text);
    });
  };
}

function cutOff(connection: WebSocket, code: number, reason: string): void {
  connection.close(code, reason);
  // Who does not read does not answer the close either.
  setTimeout(() => connection.terminate(), 1_000).unref();
}

function pingRegularly(connection: WebSocket): () => void {
  let answered = true;
  connection.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) return connection.terminate();
    answered = false;
    connection.ping();
  }, PING_MS);
  timer.unref();
  return () => clearInterval(timer);
}
