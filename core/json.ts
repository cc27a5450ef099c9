/** Canonical JSON (RFC 8785), the byte form of every document that is hashed. */
import canonicalize from 'canonicalize';
import { utf8 } from './bytes.ts';
import { FedaiError } from './errors.ts';

/** Canonical bytes of a JSON value; throws `BAD_JSON` for what has none: no finite number, a lone surrogate, too deep. */
export function canonicalJson(value: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw new FedaiError(
      'BAD_JSON',
      'value has no canonical JSON form',
      {},
      { cause, remedy: 'use finite numbers, well-formed strings and few levels' },
    );
  }
  if (text === undefined) throw new FedaiError('BAD_JSON', 'value has no JSON form');
  return utf8(text);
}

/** Parses untrusted JSON bytes of bounded size; throws `BAD_JSON` or `TOO_LARGE`. */
export function parseJson(bytes: Uint8Array, maxBytes: number): unknown {
  if (bytes.length > maxBytes) {
    throw new FedaiError('TOO_LARGE', 'document is too large', {
      got: bytes.length,
      expected: `<= ${maxBytes} bytes`,
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FedaiError(
      'BAD_JSON',
      'not valid JSON',
      {},
      { cause, remedy: 'check the file for a syntax error' },
    );
  }
}
