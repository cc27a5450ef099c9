import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blsScheme, createConsensusStorage } from '../../../chain/consensus/index.ts';
import { createSigner, type SignRequest } from '../../../chain/consensus/signer.ts';
import { sha256, uintBytes, utf8 } from '../../../core/index.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fedai-consensus-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const secretKey = Uint8Array.from(sha256(uintBytes(5, 4)), (byte, i) => (i === 0 ? 1 : byte));
const open = (chainId = 1n) => {
  const file = createConsensusStorage(directory).signState;
  return createSigner({ chainId, secretKey, scheme: blsScheme, file });
};
const request = (height: number, round: number, step: SignRequest['step'], content: string): SignRequest => ({
  height,
  round,
  step,
  signBytes: utf8(content),
  lock: { round: -1, id: null },
});

describe('signer', () => {
  it('gives the same signature for the same request, also after a restart', () => {
    const first = open().sign(request(3, 1, 'prevote', 'a'));
    expect(open().sign(request(3, 1, 'prevote', 'a'))).toEqual(first);
  });

  it('refuses other content at the same step and anything older', () => {
    open().sign(request(3, 1, 'prevote', 'a'));
    const again = open();
    expect(again.sign(request(3, 1, 'prevote', 'b'))).toHaveProperty('refused');
    expect(again.sign(request(3, 1, 'propose', 'a'))).toHaveProperty('refused');
    expect(again.sign(request(3, 0, 'precommit', 'a'))).toHaveProperty('refused');
    expect(again.sign(request(2, 9, 'precommit', 'a'))).toHaveProperty('refused');
    expect(again.sign(request(3, 1, 'precommit', 'c'))).toHaveProperty('signature');
    expect(again.sign(request(4, 0, 'propose', 'd'))).toHaveProperty('signature');
  });

  it('remembers the lock of its last height only', () => {
    const id = `0x${'ab'.repeat(32)}` as const;
    open().sign({ ...request(3, 1, 'precommit', 'a'), lock: { round: 1, id } });
    expect(open().lockAt(3)).toEqual({ round: 1, id });
    expect(open().lockAt(4)).toEqual({ round: -1, id: null });
  });

  it('takes over what was signed with its key elsewhere, lock and all', () => {
    const id = `0x${'ab'.repeat(32)}` as const;
    const signature = new Uint8Array(96).fill(7);
    open().sign(request(3, 0, 'prevote', 'a'));
    const lock = { round: 1, id };
    expect(open().adopt({ ...request(3, 1, 'precommit', 'b'), lock, signature })).toBe('adopted');
    expect(open().adopt({ ...request(3, 2, 'prevote', 'c'), signature })).toBe('adopted');
    expect(open().lockAt(3)).toEqual(lock);
    expect(open().sign(request(3, 1, 'precommit', 'x'))).toHaveProperty('refused');
    expect(open().adopt({ ...request(3, 2, 'prevote', 'd'), signature })).toBe('conflict');
    expect(open().adopt({ ...request(3, 1, 'prevote', 'd'), signature })).toBe('older');
  });

  it('begins once, and not where a log tells of an earlier life', () => {
    expect(() => open().begin(true)).toThrow(expect.objectContaining({ code: 'SIGN_STATE_MISSING' }));
    open().begin(false);
    open().begin(true);
    expect(open().signedHeight).toBe(0);
    expect(open().sign(request(1, 0, 'propose', 'a'))).toHaveProperty('signature');
  });

  it('does not start on a foreign or damaged sign-state', () => {
    open().sign(request(3, 1, 'prevote', 'a'));
    expect(() => open(2n)).toThrow(/another key or chain/);
    const path = join(directory, 'sign-state.json');
    writeFileSync(path, readFileSync(path).subarray(0, 40));
    expect(() => open()).toThrow(/cannot be read/);
    writeFileSync(path, '');
    expect(() => open()).toThrow(/cannot be read/);
  });
});

describe('record log', () => {
  const records = () => createConsensusStorage(directory).wal;
  const texts = () =>
    records()
      .records()
      .map((record) => new TextDecoder().decode(record));

  it('keeps records over restarts and starts over on reset', () => {
    const log = records();
    log.append(utf8('one'));
    log.append(utf8(''));
    log.sync();
    records().append(utf8('three'));
    expect(texts()).toEqual(['one', '', 'three']);
    const again = records();
    again.reset([utf8('new')]);
    again.append(utf8('next'));
    expect(texts()).toEqual(['new', 'next']);
  });

  it('drops a tail torn at any byte and goes on from there', () => {
    const path = join(directory, 'consensus.wal');
    const log = records();
    log.append(utf8('whole'));
    const whole = readFileSync(path).length;
    log.append(utf8('torn'));
    const full = readFileSync(path).length;
    for (let size = full - 1; size >= whole; size--) {
      truncateSync(path, size);
      expect(texts()).toEqual(['whole']);
    }
    appendFileSync(path, Uint8Array.of(1, 2, 3));
    const after = records();
    after.append(utf8('later'));
    expect(texts()).toEqual(['whole', 'later']);
  });
});
