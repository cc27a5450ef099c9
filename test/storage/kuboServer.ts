/** An HTTP server that speaks the paths of Kubo's RPC that fedai uses, over blocks in memory, and misbehaves on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { blockLinks, sha256 } from '../../core/index.ts';

export type Mood = 'well' | 'wrong bytes' | 'endless' | 'fails' | 'hangs' | 'wrong id';

export interface KuboServer {
  readonly url: string;
  mood: Mood;
  readonly blocks: Map<string, Uint8Array>;
  readonly pins: Set<string>;
  /** Nobody listens from here on, until `listen`. */
  close(): Promise<void>;
  listen(): Promise<void>;
}

const CODECS: Readonly<Record<string, number>> = { raw: 0x55, 'dag-pb': 0x70, 'dag-cbor': 0x71 };

export async function startKuboServer(): Promise<KuboServer> {
  let port = 0;
  const server = createServer((request, response) => {
    answer(kubo, request, response).catch(() => response.destroy());
  });
  const kubo: KuboServer = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    mood: 'well',
    blocks: new Map(),
    pins: new Set(),
    async listen() {
      await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
      port = (server.address() as AddressInfo).port;
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  await kubo.listen();
  return kubo;
}

async function answer(kubo: KuboServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
  const body = await bodyOf(request);
  const json = (value: object) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
  };
  const refuse = (Message: string, status = 500) => {
    const type = { 'content-type': 'application/json' };
    response.writeHead(status, type).end(JSON.stringify({ Message, Code: 0, Type: 'error' }));
  };
  if (request.method !== 'POST') return refuse('405 - Method Not Allowed', 405);
  if (kubo.mood === 'hangs') return;
  if (kubo.mood === 'fails') return refuse('merkledag: disk on fire');
  const cid = searchParams.get('arg') ?? '';
  const block = kubo.blocks.get(cid);
  const missing = `block was not found locally (offline): ipld: could not find ${cid}`;
  switch (pathname) {
    case '/api/v0/block/put': {
      const bytes = kubo.mood === 'wrong id' ? Buffer.from('other') : partOf(body, request);
      const digest = Digest.create(0x12, sha256(new Uint8Array(bytes)));
      const key = CID.createV1(CODECS[searchParams.get('cid-codec') ?? 'raw']!, digest).toString();
      kubo.blocks.set(key, bytes);
      return json({ Key: key, Size: bytes.length });
    }
    case '/api/v0/block/get':
      if (kubo.mood === 'endless') return drown(response);
      if (block === undefined) return refuse(missing);
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end(kubo.mood === 'wrong bytes' ? Buffer.from('lies') : block);
      return;
    case '/api/v0/block/stat':
      return block === undefined ? refuse(missing) : json({ Key: cid, Size: block.length });
    case '/api/v0/pin/add': {
      const absent = firstAbsent(kubo, CID.parse(cid));
      if (absent !== undefined) return refuse(`pin: block was not found locally (offline): ${absent}`);
      kubo.pins.add(cid);
      return json({ Pins: [cid] });
    }
    case '/api/v0/pin/rm':
      return kubo.pins.delete(cid) ? json({ Pins: [cid] }) : refuse('not pinned or pinned indirectly');
    case '/api/v0/pin/ls':
      if (!kubo.pins.has(cid)) return refuse(`path '${cid}' is not pinned`);
      return json({ Keys: { [cid]: { Type: 'recursive' } } });
    default:
      return refuse('404 page not found', 404);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The content of the one part of a multipart body. */
function partOf(body: Buffer, request: IncomingMessage): Buffer {
  const boundary = /boundary=(.+)$/.exec(request.headers['content-type'] ?? '')![1]!;
  const start = body.indexOf('\r\n\r\n') + 4;
  return body.subarray(start, body.lastIndexOf(`\r\n--${boundary}`));
}

function firstAbsent(kubo: KuboServer, root: CID): string | undefined {
  const bytes = kubo.blocks.get(root.toString());
  if (bytes === undefined) return root.toString();
  for (const link of blockLinks(root, bytes)) {
    const absent = firstAbsent(kubo, link);
    if (absent !== undefined) return absent;
  }
  return undefined;
}

/** Sends for ever, as fast as it is read. */
function drown(response: ServerResponse): void {
  response.writeHead(200);
  const chunk = Buffer.alloc(65_536);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}
