/** Job documents `fedai-job/1`: what a client asks for, in canonical JSON. Owns the schema and its limits, not money or time on chain. */

import { z } from 'zod';
import { canonicalJson, equalBytes, FedaiError, parseJson, sha256 } from '../core/index.ts';
import {
  LIMITS,
  type Model,
  modelSchema,
  parseModel,
  parseRecipe,
  recipeSchema,
  type TrainingRecipe,
} from '../engine/index.ts';

export const JOB_LIMITS = {
  documentBytes: 4 * LIMITS.documentBytes,
  /** As in JobManager: contributors travel as a bitmap and signatures in one transaction. */
  workers: 64,
  evaluators: 15,
  rounds: 10_000,
  stepsPerRound: 100_000,
  /** Paths in calls and bundles stay at 12 hashes. */
  segments: 4_096,
} as const;

const UINT32_MAX = 4_294_967_295;
const blocks = z.int().min(1).max(UINT32_MAX);
const cid = z.string().regex(/^b[a-z2-7]{20,120}$/, 'not a CIDv1 in base32');
const wei = z.string().regex(/^(?:0|[1-9][0-9]{0,77})$/, 'not a decimal amount of wei');

/** Zod schema of a job document. Amounts are decimal wei, deadlines are counts of blocks. */
export const jobSchema = z.strictObject({
  format: z.literal('fedai-job/1'),
  name: z.string().min(1).max(200),
  model: modelSchema,
  recipe: recipeSchema,
  data: z.strictObject({
    train: z.strictObject({
      manifest: cid,
      encrypted: z.boolean(),
      /** The client's leave to show batches of encrypted data in proofs of work; open data needs none. */
      mayOpen: z.boolean().optional(),
    }),
    test: z.strictObject({ manifest: cid, encrypted: z.literal(true) }),
  }),
  training: z.strictObject({
    mode: z.literal('federated'),
    rounds: z.int().min(1).max(JOB_LIMITS.rounds),
    stepsPerRound: z.int().min(1).max(JOB_LIMITS.stepsPerRound),
    workers: z.int().min(1).max(JOB_LIMITS.workers),
    /** Segments that a slot's share of a round is cut into at most; by cost when absent. */
    segments: z.int().min(1).max(JOB_LIMITS.segments).optional(),
  }),
  evaluators: z
    .int()
    .min(3)
    .max(JOB_LIMITS.evaluators)
    .refine((n) => n % 2 === 1, 'evaluators must be odd'),
  targetScorePpm: z.int().min(0).max(1_000_000),
  minimumBands: z.int().min(0).max(UINT32_MAX),
  roundTimeoutMs: z.int().min(100).max(86_400_000),
  deadlines: z.strictObject({
    volunteerBlocks: blocks,
    roundBlocks: blocks,
    resultBlocks: blocks,
    keyBlocks: blocks,
    commitBlocks: blocks,
    revealBlocks: blocks,
  }),
  reward: wei,
  workerStake: wei,
});

export type JobDocument = z.infer<typeof jobSchema>;

/** A checked job document with its model plan. */
export interface Job {
  readonly document: JobDocument;
  readonly model: Model;
  readonly recipe: TrainingRecipe;
}

/** Checks a job document whole. Throws `BAD_JOB`, `BAD_MODEL` or `BAD_RECIPE` with the field and a remedy. */
export function parseJob(json: unknown): Job {
  const parsed = jobSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.map(String).join('.') || 'document';
    throw new FedaiError(
      'BAD_JOB',
      `not a job document: ${where}: ${issue?.message ?? 'unknown problem'}`,
      { field: where },
      { remedy: `correct the field ${where}` },
    );
  }
  const document = parsed.data;
  const model = parseModel(document.model);
  const recipe = parseRecipe(document.recipe, model);
  if (recipe.loss === 'mean_squared_error' && recipe.target !== 'one_hot') {
    throw new FedaiError(
      'BAD_JOB',
      'evaluators score classes: this loss has none',
      { field: 'recipe.target' },
      { remedy: 'use sparse_categorical_crossentropy, or the target one_hot' },
    );
  }
  return { document, model, recipe };
}

export const encodeJob = (document: JobDocument): Uint8Array => canonicalJson(document);

/** Reads canonical bytes from the content store; throws `BAD_JOB` when they are not the document's one canonical form. */
export function decodeJob(bytes: Uint8Array): Job {
  const job = parseJob(parseJson(bytes, JOB_LIMITS.documentBytes));
  if (!equalBytes(encodeJob(job.document), bytes)) {
    throw new FedaiError(
      'BAD_JOB',
      'job document is not in canonical form',
      {},
      { remedy: 'post it with `fedai job post`' },
    );
  }
  return job;
}

/** SHA-256 of the canonical document: `documentHash` on chain. */
export const jobDocumentHash = (document: JobDocument): Uint8Array => sha256(encodeJob(document));
