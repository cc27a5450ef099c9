import { describe, expect, it } from 'vitest';
import {
  bytesToBigInt,
  canonicalJson,
  concatBytes,
  createLog,
  equalBytes,
  fromHex,
  keccak256,
  parseJson,
  seededRandom,
  sha256,
  silentLog,
  sleep,
  toHex,
  uintBytes,
  utf8,
} from '../../core/index.ts';

describe('bytes', () => {
  it('hex goes both ways and refuses what is not hex', () => {
    expect(toHex(fromHex('0x00ffA1'))).toBe('0x00ffa1');
    for (const bad of ['', '00', '0x0', '0xzz']) {
      expect(() => fromHex(bad)).toThrowError(expect.objectContaining({ code: 'BAD_HEX' }));
    }
    expect(() => fromHex('0x00', 2)).toThrowError(expect.objectContaining({ code: 'BAD_HEX' }));
  });

  it('integers have a fixed width, big-endian', () => {
    expect(uintBytes(0x0102, 4)).toEqual(Uint8Array.of(0, 0, 1, 2));
    expect(bytesToBigInt(uintBytes(2n ** 64n - 1n, 8))).toBe(2n ** 64n - 1n);
    expect(() => uintBytes(256, 1)).toThrowError(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
    expect(() => uintBytes(-1, 1)).toThrowError(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
  });

  it('compares and joins', () => {
    expect(equalBytes(concatBytes(utf8('a'), utf8('bc')), utf8('abc'))).toBe(true);
    expect(equalBytes(utf8('abc'), utf8('abd'))).toBe(false);
    expect(equalBytes(utf8('abc'), utf8('ab'))).toBe(false);
  });
});

describe('hashes', () => {
  it('are SHA-256 (FIPS 180-4) and the Keccak of Ethereum', () => {
    expect(toHex(sha256(utf8('abc')))).toBe(
      '0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(toHex(keccak256(utf8('')))).toBe(
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    );
  });
});

describe('canonical JSON', () => {
  it('reproduces the example of RFC 8785 section 3.2.2', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(new TextDecoder().decode(canonicalJson(value))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('orders keys by UTF-16 code units, as section 3.2.3', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 };
    const text = new TextDecoder().decode(canonicalJson(value));
    expect([...text.matchAll(/:(\d)/g)].map((match) => match[1]).join('')).toBe('2467153');
  });

  it('parses within bounds only', () => {
    expect(parseJson(utf8('{"a":1}'), 7)).toEqual({ a: 1 });
    expect(() => parseJson(utf8('{"a":1}'), 6)).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }));
    expect(() => parseJson(utf8('{a:1}'), 99)).toThrowError(expect.objectContaining({ code: 'BAD_JSON' }));
    expect(() => parseJson(Uint8Array.of(34, 0xff, 34), 99)).toThrowError(
      expect.objectContaining({ code: 'BAD_JSON' }),
    );
    expect(() => canonicalJson(undefined)).toThrowError(expect.objectContaining({ code: 'BAD_JSON' }));
  });
});

describe('seeded randomness', () => {
  it('is the same for the same seed and uniform enough', () => {
    const draw = (seed: string) =>
      Array.from(
        { length: 8 },
        (
          (random) => () =>
            random.below(1000)
        )(seededRandom(utf8(seed))),
      );
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    const random = seededRandom(utf8('c'));
    const counts = [0, 0, 0];
    for (let i = 0; i < 3000; i++) counts[random.below(3)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(random.shuffle([1, 2, 3, 4]).toSorted()).toEqual([1, 2, 3, 4]);
  });
});

describe('log', () => {
  it('writes one JSON object a line, from its level up, with bound fields', () => {
    const lines: string[] = [];
    const log = createLog((line) => lines.push(line), 'info', { part: 'x' }).child({ id: 1n });
    log.debug('no');
    log.warn('yes', { error: new Error('boom') });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'warn',
      message: 'yes',
      part: 'x',
      id: '1',
      error: { message: 'boom' },
    });
    silentLog.error('nothing');
  });
});

describe('sleep', () => {
  it('ends early with the reason of its signal', async () => {
    const controller = new AbortController();
    const pending = sleep(60_000, controller.signal);
    controller.abort(new Error('stop'));
    await expect(pending).rejects.toThrow('stop');
    await expect(sleep(60_000, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
    await sleep(1);
  });
});
