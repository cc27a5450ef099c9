/** Files from hostile blocks: each malformed tree is refused with a code, within its bounds, and leaves nothing running. */
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { expect, test } from 'vitest';
import { concatBytes, sha256, utf8 } from '../../core/index.ts';
import { readFile } from '../../storage/read.ts';

const RAW = 0x55;
const SHA2_256 = 0x12;
const FILE = 2;
const DIRECTORY = 1;
const blocks = new Map<string, Uint8Array>();
let reads = 0;

const store = {
  async *get(cid: CID) {
    reads++;
    const block = blocks.get(cid.toString());
    if (block === undefined) throw new RangeError('not here');
    yield block;
  },
};
const idOf = (block: Uint8Array, codec: number) =>
  CID.createV1(codec, Digest.create(SHA2_256, sha256(block)));

function put(block: Uint8Array, codec = RAW): CID {
  const cid = idOf(block, codec);
  blocks.set(cid.toString(), block);
  return cid;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

interface Child {
  cid: CID;
  size: number;
}

/** A node whose sizes are what they are said to be, not what they are. */
function node(children: readonly Child[], type = FILE, inline: Uint8Array = new Uint8Array(0)): CID {
  const data = inline.length === 0 ? [] : [0x12, ...varint(inline.length), ...inline];
  const sizes = children.flatMap(({ size }) => [0x20, ...varint(size)]);
  const links = children.map(({ cid }) => ({ Hash: cid, Name: '', Tsize: 0 }));
  const block = dagPb.encode({ Data: Uint8Array.from([0x08, type, ...data, ...sizes]), Links: links });
  return put(block, dagPb.code);
}

const leaf = (text: string): Child => ({ cid: put(utf8(text)), size: text.length });
const over = (child: Child): Child => ({ cid: node([child]), size: child.size });
const nest = (child: Child, levels: number): Child => (levels === 0 ? child : nest(over(child), levels - 1));
const many = (child: Child, count: number): Child => ({
  cid: node(Array<Child>(count).fill(child)),
  size: child.size * count,
});
const read = (cid: CID, maxBytes = 1_000_000) => readFile(store, cid.toString(), { maxBytes });

test('a tree of several levels with inline bytes is read in order, however many blocks are under way', async () => {
  const inner = Array.from({ length: 40 }, (_, i) => leaf(`part ${i},`));
  const size = inner.reduce((total, part) => total + part.size, 0);
  const root = node([{ cid: node(inner), size }, leaf('end')], FILE, utf8('start:'));
  const expected = `start:${Array.from({ length: 40 }, (_, i) => `part ${i},`).join('')}end`;
  expect(new TextDecoder().decode(await read(root))).toBe(expected);
  expect(await read(node([]))).toEqual(new Uint8Array(0));
});

const absent: Child = { cid: idOf(utf8('nobody has this'), RAW), size: 4 };
const junk: Child = { cid: put(Uint8Array.of(1, 2, 3), dagPb.code), size: 4 };
const endless = concatBytes(Uint8Array.of(0x08, FILE, 0x20), new Uint8Array(40).fill(0xff));
const cases: [string, () => CID, string][] = [
  ['a block behind a block that does not come', () => nest(absent, 2).cid, 'CONTENT_NOT_FOUND'],
  ['a block behind a block that is junk', () => nest(junk, 2).cid, 'BAD_CONTENT'],
  ['too deep a tree', () => nest(leaf('deep'), 40).cid, 'BAD_CONTENT'],
  ['a tree of empty nodes', () => many(many({ cid: node([]), size: 0 }, 1_000), 1_000).cid, 'BAD_CONTENT'],
  ['bytes one by one', () => many(many(leaf('x'), 500), 500).cid, 'BAD_CONTENT'],
  ['a part that is longer than stated', () => node([{ ...leaf('longer'), size: 2 }]), 'BAD_CONTENT'],
  ['a part that is shorter than stated', () => node([{ ...leaf('short'), size: 90 }]), 'BAD_CONTENT'],
  ['a size beyond what is allowed', () => node([{ ...leaf('x'), size: 2 ** 50 }]), 'TOO_LARGE'],
  ['a directory', () => node([leaf('x')], DIRECTORY), 'BAD_CONTENT'],
  ['another codec', () => put(Uint8Array.of(0x80), 0x71), 'BAD_CONTENT'],
  [
    'sizes without links',
    () => put(dagPb.encode({ Data: Uint8Array.of(0x08, FILE, 0x20, 4), Links: [] }), dagPb.code),
    'BAD_CONTENT',
  ],
  ['an endless integer', () => put(dagPb.encode({ Data: endless, Links: [] }), dagPb.code), 'BAD_CONTENT'],
];

test.each(cases)('%s is refused', async (_, make, code) => {
  const root = make();
  reads = 0;
  await expect(read(root)).rejects.toMatchObject({ code });
  // What was under way has ended, and none of it threw where nobody listens.
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(reads).toBeLessThan(200);
});
