import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  createReplayWindow,
  type OpenOptions,
  openEnvelope,
  sealEnvelope,
  utf8,
} from '../../core/index.ts';

const KEY = new Uint8Array(32).fill(7);
const NOW = 1_800_000_000_000;
const content = {
  domain: 'test/1',
  chainId: 1337n,
  payload: utf8('hello'),
  sequence: 5n,
  expiresAtMs: NOW + 1000,
};
const options = (changes: Partial<OpenOptions> = {}): OpenOptions => ({
  domain: 'test/1',
  chainId: 1337n,
  nowMs: NOW,
  maxBytes: 1024,
  replay: createReplayWindow(4, 8),
  ...changes,
});

describe('envelope', () => {
  it('names its signer and carries its payload', () => {
    const opened = openEnvelope(sealEnvelope(content, KEY), options());
    expect(opened).toEqual({
      verdict: 'accept',
      signer: addressOf(KEY),
      payload: utf8('hello'),
      sequence: 5n,
    });
  });

  it('is for one domain, one chain and a bounded time', () => {
    const bytes = sealEnvelope(content, KEY);
    expect(openEnvelope(bytes, options({ domain: 'test/2' }))).toMatchObject({ verdict: 'reject' });
    expect(openEnvelope(bytes, options({ chainId: 1n }))).toMatchObject({ verdict: 'reject' });
    expect(openEnvelope(bytes, options({ nowMs: NOW + 1000 }))).toEqual({
      verdict: 'ignore',
      reason: 'expired',
    });
    expect(openEnvelope(bytes, options({ maxBytes: bytes.length - 1 }))).toMatchObject({ verdict: 'reject' });
    const eternal = sealEnvelope({ ...content, expiresAtMs: NOW + 3_600_000 }, KEY);
    expect(openEnvelope(eternal, options())).toMatchObject({ verdict: 'ignore' });
  });

  it('counts once, in any order within the window', () => {
    const replay = createReplayWindow(4, 8);
    const open = (sequence: bigint) =>
      openEnvelope(sealEnvelope({ ...content, sequence }, KEY), options({ replay })).verdict;
    expect([5n, 5n, 7n, 6n, 6n, 7n].map(open)).toEqual([
      'accept',
      'ignore',
      'accept',
      'accept',
      'ignore',
      'ignore',
    ]);
    expect(open(3n)).toBe('ignore');
    expect(open(4n)).toBe('accept');
  });

  it('a sender that is not admitted takes no place in the window', () => {
    const replay = createReplayWindow(4, 1);
    const bytes = sealEnvelope(content, KEY);
    expect(openEnvelope(bytes, options({ replay })).verdict).toBe('accept');
    const stranger = sealEnvelope(content, new Uint8Array(32).fill(9));
    const maySend = (signer: string) => signer === addressOf(KEY);
    expect(openEnvelope(stranger, options({ replay, maySend })).verdict).toBe('ignore');
    expect(openEnvelope(bytes, options({ replay, maySend })).verdict).toBe('ignore');
  });

  it('no changed, cut or random bytes are accepted as from its signer', () => {
    const bytes = sealEnvelope(content, KEY);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.slice();
        changed[at]! ^= mask;
        const opened = openEnvelope(changed, options());
        expect(opened.verdict === 'accept' && opened.signer === addressOf(KEY)).toBe(false);
        expect(openEnvelope(bytes.slice(0, at), options()).verdict).toBe('reject');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        expect(openEnvelope(random, options()).verdict).toBe('reject');
      }),
    );
  });
});

describe('replay window', () => {
  it('forgets the sender heard least recently', () => {
    const replay = createReplayWindow(4, 2);
    expect(['a', 'b', 'a', 'c'].map((sender, i) => replay.admit(sender, BigInt(i)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(replay.admit('a', 2n)).toBe(false);
    expect(replay.admit('b', 1n)).toBe(true);
  });
});
