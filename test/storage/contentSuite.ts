/** What every content store must do, whatever holds its blocks. */
import { expect, test } from 'vitest';
import { equalBytes, utf8 } from '../../core/index.ts';
import { type ContentStore, createMemoryStore } from '../../storage/index.ts';

const limits = { maxBytes: 8 * 2 ** 20 };
/** Nobody has it. */
const UNKNOWN = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';
const patterned = (length: number, factor: number) =>
  Uint8Array.from({ length }, (_, index) => (index * factor + (index >> 8)) & 255);

/** Sizes around the edges of a leaf, which is 1 MiB. */
const SIZES = [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 17];

export function contentSuite(name: string, open: () => ContentStore): void {
  test.each(SIZES)(`${name}: %d bytes come back under the id that every store gives them`, async (length) => {
    const bytes = patterned(length, 7);
    const store = open();
    const cid = await store.putBytes(bytes);
    expect(cid).toBe(await (await createMemoryStore()).putBytes(bytes));
    // Comparing element by element takes seconds.
    expect(equalBytes(await store.getBytes(cid, limits), bytes)).toBe(true);
    expect(await store.hasLocal(cid)).toBe(true);
  });

  test(`${name}: a stream has the id of its bytes`, async () => {
    const bytes = patterned(2 ** 20 + 5, 3);
    async function* parts() {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
    }
    expect(await open().putStream(parts())).toBe(await open().putBytes(bytes));
  });

  test(`${name}: blocks are served one by one`, async () => {
    const store = open();
    const cid = await store.putBytes(utf8('a block'));
    expect(new Uint8Array((await store.rawBlock(cid, { offline: true }))!)).toEqual(utf8('a block'));
    expect(await store.rawBlock(UNKNOWN, { offline: true })).toBeUndefined();
  });

  test(`${name}: pins are set and taken away, twice without an error`, async () => {
    const store = open();
    const cid = await store.putBytes(patterned(2 ** 20 + 100, 11));
    expect(await store.isPinned(cid)).toBe(false);
    await store.pin(cid);
    await store.pin(cid);
    expect(await store.isPinned(cid)).toBe(true);
    await store.unpin(cid);
    await store.unpin(cid);
    expect(await store.isPinned(cid)).toBe(false);
    expect(await store.hasLocal(cid)).toBe(true);
  });

  test(`${name}: says what is wrong`, async () => {
    const store = open();
    const cid = await store.putBytes(utf8('four'));
    await expect(store.getBytes(cid, { maxBytes: 3 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(store.pin(cid, { maxBytes: 3 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(await store.isPinned(cid)).toBe(false);
    await expect(store.getBytes('bafybad', limits)).rejects.toMatchObject({ code: 'BAD_CID' });
    const missing = { code: 'CONTENT_NOT_FOUND', transient: true };
    await expect(store.getBytes(UNKNOWN, limits)).rejects.toMatchObject(missing);
    expect(await store.hasLocal(UNKNOWN)).toBe(false);
    await expect(store.pin(UNKNOWN, { timeoutMs: 500 })).rejects.toMatchObject(missing);
  });
}
