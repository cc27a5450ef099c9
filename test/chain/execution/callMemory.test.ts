import { describe, expect, test } from 'vitest';
import { callKey, createCallMemory } from '../../../chain/execution/callMemory.ts';
import type { CallOutcome, CallRequest } from '../../../chain/execution/index.ts';

const call = (data: Uint8Array, gasLimit = 1n): CallRequest => ({
  ...{ from: `0x${'01'.repeat(20)}`, to: `0x${'02'.repeat(20)}`, data },
  ...{ value: 0n, gasLimit, gasPrice: 0n },
});
const block = (n: number) => new Uint8Array(32).fill(n);
const outcome = (bytes: number): CallOutcome => ({ gasUsed: 1n, output: new Uint8Array(bytes) });

describe('the memory of calls', () => {
  test('tells calls apart by block and by all that is asked, and leaves long ones out', () => {
    const keys = [
      callKey(block(1), call(block(9))),
      callKey(block(2), call(block(9))),
      callKey(block(1), call(block(8))),
      callKey(block(1), call(block(9), 2n)),
      callKey(block(1), { ...call(block(9)), to: null }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(callKey(block(1), call(new Uint8Array(100_000)))).toBeUndefined();
  });

  test('runs what is asked at the same time once, and a failed run again', async () => {
    const memory = createCallMemory();
    let runs = 0;
    const work = async () => {
      runs += 1;
      if (runs === 1) throw new RangeError('the disk is away');
      return outcome(3);
    };
    expect(memory.recall('a')).toBeUndefined();
    await expect(Promise.all([memory.remember('a', work), memory.remember('a', work)])).rejects.toThrow(
      'disk',
    );
    expect(runs).toBe(1);
    expect(await memory.remember('a', work)).toEqual(outcome(3));
    expect(await memory.recall('a')).toEqual(outcome(3));
    expect(await memory.remember('a', work)).toEqual(outcome(3));
    expect(runs).toBe(2);
    await memory.remember(undefined, work);
    await memory.remember(undefined, work);
    expect(runs).toBe(4);
  });

  test('holds a bounded number of bounded outcomes, the latest', async () => {
    const memory = createCallMemory();
    const remembered = async (size: number, count: number) => {
      for (let n = 0; n < count; n++) await memory.remember(`${size}/${n}`, async () => outcome(size));
      const held = Array.from({ length: count }, (_, n) => memory.recall(`${size}/${n}`) !== undefined);
      return { first: held[0], last: held.at(-1), held: held.filter(Boolean).length };
    };
    expect(await remembered(8, 5_000)).toEqual({ first: false, last: true, held: 2_048 });
    expect(await remembered(1 << 15, 200)).toMatchObject({ first: false, last: true, held: 128 });
    expect(await remembered(1 << 17, 2)).toMatchObject({ held: 0 });
  });
});
