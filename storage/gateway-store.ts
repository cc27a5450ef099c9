/** Content over HTTP from any trustless gateway (`GET /ipfs/<cid>?format=raw`): each block is checked against its hash, so the gateway need not be trusted. */
import type { CID } from 'multiformats/cid';
import { concatBytes, FedaiError, isBlockOf, MAX_BLOCK_BYTES } from '../core/index.ts';

import type { ContentReader } from './content.ts';
import { type Blocks, readFile } from './read.ts';

/** `baseUrl`: scheme, host and port, with or without a trailing slash. `send` stands in for the platform's `fetch`. */
export function gatewayStore(baseUrl: string, send: typeof fetch = fetch): ContentReader {
  return {
    getBytes(cid, options) {
      // Blocks live as long as one read: what is kept is the caller's business.
      return readFile(createHttpBlocks(baseUrl.replace(/\/+$/, ''), send), cid, options);
    },
  };
}

const createHttpBlocks = (baseUrl: string, send: typeof fetch): Blocks => ({
  async *get(cid, { signal }) {
    yield await fetchBlock(baseUrl, send, cid, signal);
  },
});

async function fetchBlock(
  baseUrl: string,
  send: typeof fetch,
  cid: CID,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const url = `${baseUrl}/ipfs/${cid}?format=raw`;
  const response = await send(url, {
    headers: { accept: 'application/vnd.ipld.raw' },
    signal,
  }).catch((cause) => {
    throw new FedaiError(
      'GATEWAY_UNREACHABLE',
      'the gateway does not answer',
      { url },
      { transient: true, cause, remedy: 'check the address and that the chain node runs' },
    );
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new FedaiError(
      'CONTENT_NOT_FOUND',
      'the gateway does not have this content',
      { cid: cid.toString(), status: response.status },
      { transient: true, remedy: 'check the id, or wait until a peer that pins it is online' },
    );
  }
  const block = await readBounded(response.body, cid);
  if (!isBlockOf(cid, block)) {
    throw new FedaiError('BAD_CONTENT', 'the gateway sent other bytes than asked for', {
      cid: cid.toString(),
    });
  }
  return block;
}

/** Throws `TOO_LARGE` beyond the size of a block. */
export async function readBounded(body: ReadableStream<Uint8Array>, cid: CID): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > MAX_BLOCK_BYTES) {
      throw new FedaiError('TOO_LARGE', 'a block is larger than allowed', {
        cid: cid.toString(),
        got: length,
      });
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
