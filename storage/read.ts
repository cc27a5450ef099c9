/** Reading a UnixFS file within bounds, whatever the blocks come from. */
import type { UnixFS } from '@helia/unixfs';
import { concatBytes, FedaiError, hostFault, parseCid } from '../core/index.ts';

import { DEFAULT_FETCH_TIMEOUT_MS, type ReadOptions } from './content.ts';

export async function readFile(
  unixfs: UnixFS,
  text: string,
  options: ReadOptions & { offline?: boolean },
): Promise<Uint8Array> {
  const cid = parseCid(text);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_FETCH_TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of unixfs.cat(cid, { signal, offline: options.offline ?? false })) {
      length += part.length;
      if (length > options.maxBytes) {
        throw new FedaiError('TOO_LARGE', 'content is larger than allowed', {
          cid: text,
          expected: `<= ${options.maxBytes} bytes`,
        });
      }
      parts.push(part);
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw explainFetch(error, text);
  }
  return parts.length === 1 ? parts[0]! : concatBytes(...parts);
}

export function explainFetch(error: unknown, cid: string): FedaiError {
  const trouble = hostFault(error);
  if (trouble !== undefined) return trouble;
  if (error instanceof FedaiError) return error;
  const name = error instanceof Error ? error.name : '';
  if (/NotUnixFS|NotAFile|InvalidPB|CorruptFile|OverRead|UnderRead|Malformed/i.test(name)) {
    return new FedaiError('BAD_CONTENT', 'the content is not a well-formed file', { cid }, { cause: error });
  }
  return new FedaiError(
    'CONTENT_NOT_FOUND',
    'nobody connected has this content',
    { cid },
    { transient: true, cause: error, remedy: 'check the id, or wait until a peer that pins it is online' },
  );
}
