/** Samples of what light clients read: commits, sections, headers, proofs of state. */
import { encode } from '@ethereumjs/rlp';
import { concatBytes, keccak256, toHex } from '../../../core/index.ts';
import {
  decodeBitmap,
  decodeCommit,
  decodeSection,
  encodeBitmap,
  encodeCommit,
  encodeSection,
  headerFields,
  readBigInt,
  readBytes,
  readItems,
  readList,
  readUint,
  verifyAccountProof,
  verifyHeader,
  verifyStorageProof,
} from '../../../light/index.ts';
import type { Table } from '../subject.ts';
import { CHAIN_ID, commit, firstSection, headerOf, judgingSection, section, workSection } from './blocks.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const commits = [commit, { ...commit, height: 0, round: 0, bitmap: encodeBitmap([0], 1) }];
const sections = [section, firstSection, workSection, judgingSection].map(encodeSection);

const ADDRESS = `0x${'aa'.repeat(20)}` as const;
const SLOT = filled(1, 32);
/** The one leaf of a trie: hex-prefix path of the hashed key, then the value. */
const leaf = (key: Uint8Array, value: Uint8Array): Uint8Array =>
  encode([concatBytes(Uint8Array.of(0x20), keccak256(key)), value]);
const account = encode([1, 10n ** 18n, filled(3, 32), filled(4, 32)]);
/** A branch with the key's leaf below it. */
function branched(key: Uint8Array, value: Uint8Array): Uint8Array[] {
  const path = keccak256(key);
  const packed = Uint8Array.from(path, (byte, i) => (i === 0 ? 0x30 | (byte & 15) : byte));
  const end = encode([packed, value]);
  const items = Array.from({ length: 17 }, (_, i) =>
    i === path[0]! >> 4 ? keccak256(end) : filled(8, i % 2 ? 32 : 0),
  );
  return [encode(items), end];
}

/** A claim about a set of one, whose header is the first item. */
const claimOf = (header: Uint8Array) => [header, encodeSection(section), encodeCommit(commit)];
const set = [{ address: ADDRESS, blsPublicKey: filled(7, 48), power: 10n }];

export const light: Table = {
  decodeCommit: {
    covers: ['light/commit.ts#decodeCommit'],
    format: 'rlp',
    samples: commits.map(encodeCommit),
    decode: decodeCommit,
    encode: encodeCommit,
  },
  decodeBitmap: {
    covers: ['light/commit.ts#decodeBitmap'],
    format: 'bytes',
    samples: [encodeBitmap([0, 2, 9], 10)],
    decode: (bytes) => decodeBitmap(bytes, 10),
    encode: (indices: number[]) => encodeBitmap(indices, 10),
    neverThrows: true,
  },
  decodeSection: {
    covers: ['light/section.ts#decodeSection'],
    format: 'rlp',
    samples: sections,
    decode: decodeSection,
    encode: encodeSection,
  },
  headerFields: {
    covers: [],
    format: 'rlp',
    samples: [headerOf().serialize(), headerOf({ number: 0n, extraData: filled(0, 32) }).serialize()],
    decode: headerFields,
  },
  rlp: {
    covers: [
      'light/rlp.ts#readList',
      'light/rlp.ts#readItems',
      'light/rlp.ts#readBytes',
      'light/rlp.ts#readBigInt',
      'light/rlp.ts#readUint',
    ],
    format: 'rlp',
    samples: [encode([filled(1, 32), 10n ** 70n, 70_000, [1, [2, [3]]]])],
    decode(bytes) {
      const items = readList(bytes, 'list', 1 << 12, 4);
      const numbers = [readBigInt(items[1], 'amount'), readUint(items[2], 'number', 1 << 20)];
      return [readBytes(items[0], 'hash', 32), ...numbers, readItems(items[3], 'items')];
    },
  },
  verifyHeader: {
    covers: [],
    format: 'rlp',
    samples: [encode(claimOf(headerOf().serialize()))],
    decode(bytes) {
      const [headerRlp, sectionRlp, commitRlp] = readList(bytes, 'claim', 1 << 12, 3).map((item) =>
        readBytes(item, 'part'),
      );
      const parts = { section: decodeSection(sectionRlp!), commit: decodeCommit(commitRlp!) };
      return verifyHeader({ chainId: BigInt(CHAIN_ID), set, headerRlp: headerRlp!, ...parts });
    },
    share: 0.5,
  },
  // The root is made to fit, so that damage reaches behind the hash.
  accountProof: {
    covers: [],
    format: 'rlp',
    samples: [encode([leaf(new Uint8Array(20).fill(0xaa), account)])],
    decode: (bytes) => verifyAccountProof(rootOf(bytes), ADDRESS, nodesOf(bytes)),
  },
  storageProof: {
    covers: [],
    format: 'rlp',
    samples: [encode([leaf(SLOT, encode(10n ** 20n))]), encode(branched(SLOT, encode(filled(5, 32))))],
    decode: (bytes) => verifyStorageProof(rootOf(bytes), SLOT, nodesOf(bytes)),
  },
};

const listed = (bytes: Uint8Array): Uint8Array[] =>
  readList(bytes, 'proof', 1 << 14).map((item) => readBytes(item, 'node'));
const nodesOf = (bytes: Uint8Array) => listed(bytes).map((node) => toHex(node));
const rootOf = (bytes: Uint8Array) => keccak256(listed(bytes)[0] ?? new Uint8Array(0));
