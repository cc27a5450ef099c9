/** Decoders of strangers' bytes answer with a value or a coded error, whatever they are fed. */
import { expect, test } from 'vitest';
import { decodeConsensusMessage } from '../../chain/consensus/messages.ts';
import { parseChainSpec } from '../../chain/spec/schema.ts';
import { decodeRange, decodeStatus } from '../../chain/sync/messages.ts';
import { readPng } from '../../cli/image/png.ts';
import { canonicalJson, FedaiError, parseCid, parseJson } from '../../core/index.ts';
import { parseModel, parseRecipe } from '../../engine/model.ts';
import { decodeModel } from '../../engine/state/safetensors.ts';
import { decodeJob, decodeManifest } from '../../job/index.ts';
import { decodeCommit, decodeSection, readList } from '../../light/index.ts';
import { parseIdx } from '../../storage/dataset/idx.ts';
import { decodeMessage } from '../../worker/messages.ts';
import { toyModel, toyRecipe } from '../support/toy.ts';
import { damage, invent, random } from './mutate.ts';

const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 6_000);
/** Far above what any decoder may need for inputs of some 40 kB. */
const MAX_INPUT_MS = 5_000;

/** A document whose parts are valid, so that damage reaches behind the first check. */
const SAMPLE = canonicalJson({ model: toyModel, recipe: toyRecipe, odd: 1, text: 'word' });

const TOY = parseModel(toyModel);

const DECODERS: Record<string, (bytes: Uint8Array) => unknown> = {
  parseJson: (bytes) => parseJson(bytes, 1 << 20),
  canonicalJson: (bytes) => canonicalJson(parseJson(bytes, 1 << 20)),
  parseCid: (bytes) => parseCid(new TextDecoder().decode(bytes)),
  readList: (bytes) => readList(bytes, 'list', 1 << 20),
  decodeSection,
  decodeCommit,
  decodeConsensusMessage,
  decodeStatus,
  decodeRange,
  parseChainSpec: (bytes) => parseChainSpec(parseJson(bytes, 1 << 20)),
  readPng,
  parseIdx,
  decodeModel,
  decodeJob,
  decodeManifest,
  decodeMessage,
  parseModel: (bytes) => parseModel(documentPart(bytes, 'model')),
  parseRecipe: (bytes) => parseRecipe(documentPart(bytes, 'recipe'), TOY),
};

function documentPart(bytes: Uint8Array, part: string): unknown {
  const document = parseJson(bytes, 1 << 20);
  return typeof document === 'object' && document !== null ? Reflect.get(document, part) : document;
}

test.each(Object.entries(DECODERS))('%s refuses with a code', (name, decode) => {
  const next = random(SEED);
  let corpus = invent(next);
  for (let i = 0; i < INPUTS; i += 1) {
    if (i % 4 === 0) corpus = i % 8 === 0 ? SAMPLE : invent(next);
    const bytes = i % 4 === 0 ? corpus : damage(corpus, next);
    const start = performance.now();
    try {
      decode(bytes);
    } catch (error) {
      const shown = `${name}, FUZZ_SEED=${SEED}, input ${i}: ${error instanceof Error ? error.stack : String(error)}`;
      expect(error, shown).toBeInstanceOf(FedaiError);
    }
    expect(performance.now() - start, `${name}, input ${i}`).toBeLessThan(MAX_INPUT_MS);
  }
});
