/** Nodes of UnixFS files (https://specs.ipfs.tech/unixfs/) from strangers' blocks: a leaf's bytes, or links with the size of what is behind each. */
import * as dagPb from '@ipld/dag-pb';
import { CID } from 'multiformats/cid';
import { FedaiError } from '../core/index.ts';

export interface FileNode {
  /** Comes before what the links lead to. */
  readonly data: Uint8Array;
  readonly links: readonly { readonly cid: CID; readonly size: number }[];
}

const RAW_CODEC = 0x55;
const NO_BYTES: Uint8Array = new Uint8Array(0);
/** Field numbers of the message `Data`, and the values of its `Type` that are parts of files. */
const FIELD = { type: 1, data: 2, blockSizes: 4 } as const;
const FILE_TYPES: readonly number[] = [0, 2];
const VARINT = 0;
const LENGTH_DELIMITED = 2;

export const badContent = (
  problem: string,
  data: Record<string, unknown> = {},
  cause?: unknown,
): FedaiError =>
  new FedaiError('BAD_CONTENT', `the content is not a well-formed file: ${problem}`, data, {
    cause,
    remedy: 'whoever made it must import it again',
  });

/** Throws `BAD_CONTENT`. */
export function readFileNode(cid: CID, block: Uint8Array): FileNode {
  if (cid.code === RAW_CODEC) return { data: block, links: [] };
  if (cid.code !== dagPb.code) throw badContent('of another codec', { codec: cid.code });
  let node: dagPb.PBNode;
  try {
    node = dagPb.decode(block);
  } catch (cause) {
    throw badContent('a block is no DAG-PB', {}, cause);
  }
  const { type, data, blockSizes } = readData(node.Data ?? NO_BYTES);
  if (!FILE_TYPES.includes(type)) throw badContent('it is no file', { type });
  if (blockSizes.length !== node.Links.length) {
    throw badContent('its sizes do not fit its links', {
      got: blockSizes.length,
      expected: node.Links.length,
    });
  }
  const links = node.Links.map((link, i) => ({ cid: CID.asCID(link.Hash)!, size: blockSizes[i]! }));
  return { data, links };
}

function readData(bytes: Uint8Array): { type: number; data: Uint8Array; blockSizes: number[] } {
  const found = { type: -1, data: NO_BYTES, blockSizes: [] as number[] };
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw badContent('a message ends early');
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw badContent('an integer is out of range');
      if (byte < 128) return value;
      if (scale > Number.MAX_SAFE_INTEGER) throw badContent('an integer is too long');
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === VARINT) {
      const value = varint();
      if (field === FIELD.type) found.type = value;
      if (field === FIELD.blockSizes) found.blockSizes.push(value);
      continue;
    }
    if (wire !== LENGTH_DELIMITED) throw badContent('a field of an unknown kind', { field, wire });
    const end = varint() + at;
    if (end > bytes.length) throw badContent('a field is longer than its message');
    if (field === FIELD.data) found.data = bytes.subarray(at, end);
    if (field === FIELD.blockSizes) while (at < end) found.blockSizes.push(varint());
    at = end;
  }
  return found;
}
