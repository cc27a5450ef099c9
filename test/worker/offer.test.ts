import { describe, expect, test } from 'vitest';
import { sha256, toHex, utf8 } from '../../core/index.ts';
import { encodeJob, type JobDocument } from '../../job/index.ts';
import { jobPostOf, type Job as PostedJob } from '../../market/index.ts';
import { checkOffer } from '../../worker/index.ts';
import { toyModel, toyRecipe } from '../support/toy.ts';

const blocks = {
  volunteerBlocks: 4,
  roundBlocks: 9,
  resultBlocks: 9,
  keyBlocks: 9,
  commitBlocks: 9,
  revealBlocks: 9,
};
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const document: JobDocument = {
  format: 'fedai-job/1',
  name: 'toy',
  model: toyModel,
  recipe: toyRecipe,
  data: { train: { manifest: cid, encrypted: false }, test: { manifest: cid, encrypted: true } },
  training: { mode: 'federated', rounds: 2, stepsPerRound: 4, workers: 3 },
  evaluators: 3,
  targetScorePpm: 0,
  minimumBands: 0b10,
  roundTimeoutMs: 1_000,
  deadlines: blocks,
  reward: '1000',
  workerStake: '10',
};
const limits = { bands: 0b11, maxRoundMacs: 1e9 };
const hash = toHex(sha256(utf8('x')));

function posted(
  source: JobDocument = document,
  change: Partial<PostedJob['post']> = {},
  reward = 1000n,
): PostedJob {
  const post = jobPostOf({
    ...{ document: source, documentCid: cid, provable: false },
    ...{ testKeyCommitment: hash, testRoot: hash },
  });
  return { id: 1n, reward, postedAt: 1, post: { ...post, ...change } } as PostedJob;
}

describe('an offer', () => {
  test('that is what it says is taken', () => {
    expect(checkOffer(posted(), encodeJob(document), limits).document).toEqual(document);
  });

  test.each([
    ['another document', posted(), encodeJob({ ...document, name: 'other' }), 'WRONG_DOCUMENT'],
    [
      'another number of workers on chain',
      posted(document, { workers: 5 }),
      encodeJob(document),
      'WRONG_DOCUMENT',
    ],
    [
      'another deadline on chain',
      posted(document, { deadlines: { ...blocks, roundBlocks: 1 } }),
      encodeJob(document),
      'WRONG_DOCUMENT',
    ],
    ['less reward than promised', posted(document, {}, 999n), encodeJob(document), 'WRONG_DOCUMENT'],
  ])('with %s is refused', (_, job, bytes, code) => {
    expect(() => checkOffer(job, bytes, limits)).toThrow(expect.objectContaining({ code }));
  });

  test('beyond the machine or the operator’s limit is refused', () => {
    const bytes = encodeJob(document);
    expect(() => checkOffer(posted(), bytes, { ...limits, bands: 1 })).toThrow(
      expect.objectContaining({ code: 'BANDS_MISSING' }),
    );
    const replay = { maxReplayGas: 1, maxBundleBytes: 1, formats: { 'bfp12@1': 1_000_000 } };
    expect(() => checkOffer(posted(), bytes, { ...limits, replay })).toThrow(/bfp12@1 from block 1000000 on/);
    expect(checkOffer({ ...posted(), postedAt: 1_000_000 }, bytes, { ...limits, replay })).toBeDefined();
    expect(() => checkOffer(posted(), bytes, { ...limits, maxRoundMacs: 1_000 })).toThrow(
      expect.objectContaining({ code: 'TOO_COSTLY' }),
    );
  });

  test('whose bytes are no job document is refused whatever its hash', () => {
    for (const text of ['', '{}', '[]', 'null', '{"format":"fedai-job/1"}', '\u0000']) {
      const bytes = utf8(text);
      const job = posted(document, { documentHash: toHex(sha256(bytes)) });
      expect(() => checkOffer(job, bytes, limits)).toThrow(expect.objectContaining({ name: 'FedaiError' }));
    }
  });
});
