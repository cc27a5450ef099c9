/** Wire form and hash of the consensus section. The header's `extraData` must equal `sectionHash`. */
import { encode } from '@ethereumjs/rlp';
import { FedaiError, keccak256 } from '../core/index.ts';
import { type RlpItem, readBigInt, readBytes, readItems, readList, readUint } from './rlp.ts';
import type { ConsensusSection, VerdictSection, WorkSection } from './types.ts';

/** Rounds fit in the 4 bytes that votes give them; the top is kept free so that signed readers agree. */
export const MAX_ROUND = 0x7fff_ffff;

const SECTION_VERSION = 1;

/** 1 + 4 + 3·32 + 96 bytes of fields, some 250 of the work section, and their prefixes, rounded up. */
const MAX_SECTION_BYTES = 512;
/** Version, codec, hash function, length and hash. */
const CID_BYTES = 36;

export const EMPTY_HASH = new Uint8Array(32);

/** Items of a section without a verdict; a verdict is one more. */
const ITEMS = 7;

/**
 * RLP [version, round, parentCommitHash, validatorsHash, nextValidatorsHash, randaoReveal, work, verdict]; work is empty
 * bytes or a list. The verdict is a list, and left out where there is none: so sections were before there was a court.
 */
export function encodeSection(section: ConsensusSection): Uint8Array {
  return encode([
    section.version,
    section.round,
    section.parentCommitHash,
    section.validatorsHash,
    section.nextValidatorsHash,
    section.randaoReveal,
    section.work === null ? new Uint8Array(0) : workItems(section.work),
    ...(section.verdict === null ? [] : [verdictItems(section.verdict)]),
  ]);
}

/** Throws `BAD_RLP`. */
export function decodeSection(bytes: Uint8Array): ConsensusSection {
  const items = readList(bytes, 'consensus section', MAX_SECTION_BYTES);
  readItems(items, 'consensus section', items.length > ITEMS ? ITEMS + 1 : ITEMS);
  const version = readUint(items[0], 'section version');
  if (version !== SECTION_VERSION) {
    throw new FedaiError('BAD_RLP', 'unknown version of the consensus section', {
      got: version,
      expected: SECTION_VERSION,
    });
  }
  const work = readWork(items[6]);
  const verdict = items.length > ITEMS ? readVerdict(items[7]) : null;
  if (work !== null && verdict !== null)
    throw new FedaiError('BAD_RLP', 'a section carries a proof of work or a verdict, never both');
  return {
    version: SECTION_VERSION,
    round: readUint(items[1], 'section round', MAX_ROUND),
    parentCommitHash: readBytes(items[2], 'parent commit hash', 32),
    validatorsHash: readBytes(items[3], 'validators hash', 32),
    nextValidatorsHash: readBytes(items[4], 'next validators hash', 32),
    randaoReveal: readBytes(items[5], 'randao reveal', 0, 96),
    work,
    verdict,
  };
}

const workItems = (work: WorkSection) => [
  work.drawHeight,
  work.rank,
  work.jobId,
  work.worker,
  work.traceRoot,
  work.segment,
  work.modelHash,
  work.totalWeight,
  work.opener,
  work.bundle,
];

function readWork(item: RlpItem | undefined): WorkSection | null {
  if (item instanceof Uint8Array) {
    readBytes(item, 'work section', 0);
    return null;
  }
  const fields = readItems(item, 'work section', 10);
  return {
    drawHeight: readUint(fields[0], 'draw height'),
    rank: readUint(fields[1], 'rank', 255),
    jobId: readBigInt(fields[2], 'job id'),
    worker: readBytes(fields[3], 'worker', 20),
    traceRoot: readBytes(fields[4], 'trace root', 32),
    segment: readUint(fields[5], 'segment', 0xffff_ffff),
    modelHash: readBytes(fields[6], 'model hash', 32),
    totalWeight: readBigInt(fields[7], 'total weight'),
    opener: readBytes(fields[8], 'opener', 20),
    bundle: readBytes(fields[9], 'bundle id', CID_BYTES),
  };
}

const verdictItems = (verdict: VerdictSection) => [
  verdict.caseId,
  verdict.jobId,
  verdict.worker,
  verdict.traceRoot,
  verdict.segment,
  verdict.guilty ? 1 : 0,
  verdict.digest,
  verdict.bundle,
];

function readVerdict(item: RlpItem | undefined): VerdictSection {
  const fields = readItems(item, 'verdict', 8);
  return {
    caseId: readUint(fields[0], 'case id'),
    jobId: readBigInt(fields[1], 'job id'),
    worker: readBytes(fields[2], 'worker', 20),
    traceRoot: readBytes(fields[3], 'trace root', 32),
    segment: readUint(fields[4], 'segment', 0xffff_ffff),
    guilty: readUint(fields[5], 'guilty', 1) === 1,
    digest: readBytes(fields[6], 'audit digest', 32),
    bundle: readBytes(fields[7], 'bundle id', CID_BYTES),
  };
}

export const sectionHash = (section: ConsensusSection): Uint8Array => keccak256(encodeSection(section));
