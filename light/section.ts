/** Wire form and hash of the consensus section. The header's `extraData` must equal `sectionHash`. */
import { encode } from '@ethereumjs/rlp';
import { FedaiError, keccak256 } from '../core/index.ts';
import { readBytes, readList, readUint } from './rlp.ts';
import type { ConsensusSection } from './types.ts';

/** Rounds fit in the 4 bytes that votes give them; the top is kept free so that signed readers agree. */
export const MAX_ROUND = 0x7fff_ffff;

const SECTION_VERSION = 1;

/** 1 + 4 + 3·32 + 96 bytes of fields and their prefixes, rounded up. */
const MAX_SECTION_BYTES = 256;

export const EMPTY_HASH = new Uint8Array(32);

/** RLP [version, round, parentCommitHash, validatorsHash, nextValidatorsHash, randaoReveal, work]. */
export function encodeSection(section: ConsensusSection): Uint8Array {
  return encode([
    section.version,
    section.round,
    section.parentCommitHash,
    section.validatorsHash,
    section.nextValidatorsHash,
    section.randaoReveal,
    new Uint8Array(0),
  ]);
}

/** Throws `BAD_RLP`. */
export function decodeSection(bytes: Uint8Array): ConsensusSection {
  const items = readList(bytes, 'consensus section', MAX_SECTION_BYTES, 7);
  const version = readUint(items[0], 'section version');
  if (version !== SECTION_VERSION) {
    throw new FedaiError('BAD_RLP', 'unknown version of the consensus section', {
      got: version,
      expected: SECTION_VERSION,
    });
  }
  readBytes(items[6], 'work section', 0);
  return {
    version: SECTION_VERSION,
    round: readUint(items[1], 'section round', MAX_ROUND),
    parentCommitHash: readBytes(items[2], 'parent commit hash', 32),
    validatorsHash: readBytes(items[3], 'validators hash', 32),
    nextValidatorsHash: readBytes(items[4], 'next validators hash', 32),
    randaoReveal: readBytes(items[5], 'randao reveal', 0, 96),
    work: null,
  };
}

export const sectionHash = (section: ConsensusSection): Uint8Array => keccak256(encodeSection(section));
