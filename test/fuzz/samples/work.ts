/** Samples of useful work: bundles that prove a segment, and what announces them. */
import { sha256, uintBytes } from '../../../core/index.ts';
import {
  announcerOf,
  type Bundle,
  decodeAnnouncement,
  decodeBundle,
  encodeAnnouncement,
  encodeBundle,
  signAnnouncement,
} from '../../../pouw/index.ts';
import type { Table } from '../subject.ts';

const hashOf = (n: number): Uint8Array => sha256(uintBytes(n, 4));
const pathOf = (length: number): Uint8Array[] => Array.from({ length }, (_, i) => hashOf(i));
const MAX_BYTES = 2 ** 20;

const bundle: Bundle = {
  document: hashOf(1),
  manifest: hashOf(2),
  startState: hashOf(3),
  startPath: pathOf(3),
  endRoot: hashOf(4),
  endPath: pathOf(3),
  firstPath: [],
  records: [2, 7, 9].map((index) => ({ index, bytes: hashOf(index).subarray(0, 17), path: pathOf(4) })),
};
const first: Bundle = { ...bundle, firstPath: pathOf(3), records: [] };

const KEY = new Uint8Array(32).fill(9);
const cid = `bafkrei${'a'.repeat(52)}`;
const announcements = [
  { format: 'fedai-work/2', drawHeight: 45, rank: 1, bundle: cid, attempt: 3 },
  { format: 'fedai-case/2', caseId: 7, bundle: cid, attempt: 0 },
  { format: 'fedai-audit/2', traceId: 12, segment: 3, bundle: cid, attempt: 1 },
] as const;

export const work: Table = {
  decodeBundle: {
    covers: ['pouw/bundle.ts#decodeBundle'],
    format: 'bytes',
    samples: [bundle, first].map(encodeBundle),
    decode: (bytes) => decodeBundle(bytes, MAX_BYTES),
    encode: encodeBundle,
  },
  decodeWorkAnnouncement: {
    covers: ['pouw/announcement.ts#decodeAnnouncement'],
    format: 'json',
    samples: announcements.map((one) => signAnnouncement(31_337n, one, KEY)),
    decode: (bytes) => decodeAnnouncement(bytes),
    encode: encodeAnnouncement,
    neverThrows: true,
  },
  announcerOf: {
    covers: [],
    format: 'json',
    samples: announcements.map((one) => signAnnouncement(31_337n, one, KEY)),
    decode: (bytes) => {
      const announcement = decodeAnnouncement(bytes);
      return announcement && announcerOf(31_337n, announcement);
    },
    neverThrows: true,
    share: 0.1,
  },
};
