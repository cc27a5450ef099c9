import * as dagCbor from '@ipld/dag-cbor';
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { sha256 as hasher } from 'multiformats/hashes/sha2';
import { describe, expect, it } from 'vitest';
import { checkBlock, isBlockOf, MAX_BLOCK_BYTES, parseCid, utf8, verifyCidPath } from '../../core/index.ts';

const cidOf = async (code: number, bytes: Uint8Array) => CID.createV1(code, await hasher.digest(bytes));

describe('content ids', () => {
  it('name their bytes and no others', async () => {
    const bytes = utf8('block');
    const cid = await cidOf(0x55, bytes);
    expect(isBlockOf(parseCid(cid.toString()), bytes)).toBe(true);
    expect(isBlockOf(cid, utf8('blocc'))).toBe(false);
    expect(() => checkBlock(cid, utf8('blocc'))).toThrowError(
      expect.objectContaining({ code: 'CONTENT_MISMATCH', remedy: expect.any(String) }),
    );
    checkBlock(cid, bytes);
    const large = new Uint8Array(MAX_BLOCK_BYTES + 1);
    expect(isBlockOf(await cidOf(0x55, large), large)).toBe(false);
  });

  it.each(['', 'x', 'bafy', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', 'b'.repeat(500)])(
    'refuses %s with what to do',
    (text) => {
      expect(() => parseCid(text)).toThrowError(
        expect.objectContaining({ code: 'BAD_CID', remedy: expect.any(String) }),
      );
    },
  );

  it('a path leads from root to leaf by links that are there', async () => {
    const leaf = utf8('leaf');
    const leafCid = await cidOf(0x55, leaf);
    const middle = dagPb.encode(
      dagPb.prepare({ Data: utf8('m'), Links: [{ Hash: leafCid, Tsize: 4, Name: '' }] }),
    );
    const middleCid = await cidOf(dagPb.code, middle);
    const root = dagCbor.encode({ files: [{ at: middleCid }], note: 'x' });
    const rootCid = await cidOf(dagCbor.code, root);
    expect(verifyCidPath(rootCid, leafCid, [root, middle, leaf])).toBe(true);
    expect(verifyCidPath(rootCid, middleCid, [root, middle])).toBe(true);
    expect(verifyCidPath(leafCid, leafCid, [leaf])).toBe(true);
    expect(verifyCidPath(rootCid, leafCid, [root, leaf])).toBe(false);
    expect(verifyCidPath(rootCid, leafCid, [root, middle])).toBe(false);
    expect(verifyCidPath(rootCid, leafCid, [root, middle, utf8('loaf')])).toBe(false);
    expect(verifyCidPath(rootCid, leafCid, [])).toBe(false);
  });
});
