/** Bodies in and answers out of node:http, bounded in size and time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FedaiError } from '../../core/index.ts';

/** Throws `TOO_LARGE` as soon as the bound is passed, and `CUT_OFF` when the sender goes away. */
export const readBody = async (request: IncomingMessage, maxBytes: number): Promise<string> =>
  (await readBytes(request, maxBytes)).toString('utf8');

/** As `readBody`. */
export function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else reject(new FedaiError('TOO_LARGE', 'request body too large', { expected: maxBytes }));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', (cause) => reject(new FedaiError('CUT_OFF', 'request was cut off', {}, { cause })));
  });
}

export interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
});

export function send(response: ServerResponse, answer: Answer, cors: Readonly<Record<string, string>>): void {
  const body = answer.body === undefined ? Buffer.alloc(0) : Buffer.from(answer.body);
  response.writeHead(answer.status, {
    ...cors,
    ...answer.headers,
    ...(answer.type === undefined ? {} : { 'content-type': answer.type }),
    'content-length': body.length,
  });
  response.end(body);
}
