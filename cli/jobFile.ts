/** Reads a job file as a person writes it: a `fedai-job/1` document in which data sets and reward may be left to options. */
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FedaiError, parseJson } from '../core/index.ts';
import { importKeras, kerasGaps } from '../engine/index.ts';
import { JOB_LIMITS, type Job, parseJob } from '../job/index.ts';
import { readModelSource } from './modelSource.ts';

export interface JobFileOverrides {
  /** Content ids of manifests. */
  train?: string;
  test?: string;
  /** Wei. */
  reward?: bigint;
}

/** Stands in for the ids of data sets that are not imported yet, when the rest of a document is to be checked. */
export const ANY_CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';

/** As `readJobFile`, whatever the document says of data sets. */
export const readJobDraft = (path: string): Promise<Job> =>
  readJobFile(path, { train: ANY_CID, test: ANY_CID });

/** Throws `BAD_JSON`, `TOO_LARGE`, `BAD_JOB`, `BAD_MODEL` or `BAD_RECIPE`, each naming the field. */
export async function readJobFile(path: string, overrides: JobFileOverrides = {}): Promise<Job> {
  const { size } = await stat(path);
  if (size > JOB_LIMITS.documentBytes) {
    throw new FedaiError('TOO_LARGE', 'the job file is too large', { path, got: size });
  }
  const json = parseJson(await readFile(path), JOB_LIMITS.documentBytes);
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    throw new FedaiError(
      'BAD_JOB',
      'not a job document: not an object',
      { path },
      {
        remedy: 'see docs/protocol/job.md for what a job document holds',
      },
    );
  }
  const written = json as { data?: Record<string, unknown> };
  const data = { ...written.data };
  if (overrides.train !== undefined)
    data.train = { encrypted: false, ...asObject(data.train), manifest: overrides.train };
  if (overrides.test !== undefined) data.test = { manifest: overrides.test, encrypted: true };
  return parseJob({
    ...json,
    ...(await exactModel(json, dirname(path))),
    data,
    ...(overrides.reward !== undefined && { reward: overrides.reward.toString() }),
  });
}

const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

/** The network executes training again: it takes what the exact engine covers. */
const qualityAttested = (gaps: readonly string[]): FedaiError =>
  new FedaiError(
    'UNSUPPORTED_ON_NETWORK',
    `quality-attested jobs are not taken by the network yet: the exact engine does not cover ${gaps.join('; ')}`,
    { gaps },
    {
      remedy:
        'train it on this machine with `fedai train`, or change the model to layers of the exact engine',
    },
  );

/** Keras layer JSON, or the path of a file, becomes a model document where the exact engine covers it. */
async function exactModel(
  job: { model?: unknown; recipe?: unknown },
  folder: string,
): Promise<{ model?: unknown }> {
  const source = await readModelSource(job.model, folder);
  if (source.kind === 'onnx')
    throw new FedaiError(
      'BAD_JOB',
      'a job starts from seeded weights: it takes no ONNX file',
      { field: 'model' },
      { remedy: 'write the model as fedai-model/1 or Keras layer JSON' },
    );
  if (source.kind === 'own') return job.model === undefined ? {} : { model: source.json };
  const { isFloatRecipe } = await import('../engine/tfjs/index.ts');
  const gaps = kerasGaps(source.json);
  if (isFloatRecipe(job.recipe)) gaps.push('recipe: a loss, an optimizer or learning rates in floats');
  if (gaps.length > 0) throw qualityAttested(gaps);
  try {
    return { model: importKeras(source.json).document };
  } catch (error) {
    if (error instanceof FedaiError && /^(?:BAD_MODEL|UNSUPPORTED_KERAS)$/.test(error.code))
      throw qualityAttested([error.message]);
    throw error;
  }
}
