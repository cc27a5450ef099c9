/** From records and a draft to what is posted: shards, manifests, document and keys, by the same code as the command line. Runs in a worker. */
import { FedaiError, sha256, toHex } from '../../core/index.ts';
import {
  checkDataFits,
  encodeJob,
  isProvable,
  JOB_LIMITS,
  type Job,
  parseJob,
  segmentPlan,
  stepCost,
} from '../../job/index.ts';
import { importRecords, leafCid, recordsInMemory } from '../../storage/browser.ts';
import type { DraftFacts, Prepared, Wanted } from './messages.ts';
import type { Sets } from './parse.ts';

/** Stands in for the data until it is there. */
const ANY_CID = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
const KEY_BYTES = 32;

type Manifests = { train: string; test: string };

function documentOf({ draft, encryptTrain, mayOpen }: Wanted, { train, test }: Manifests): Job {
  if (typeof draft !== 'object' || draft === null || Array.isArray(draft))
    throw new FedaiError(
      'BAD_JOB',
      'the document is not an object',
      {},
      {
        remedy: 'Start from one of the templates.',
      },
    );
  return parseJob({
    ...draft,
    format: 'fedai-job/1',
    data: {
      train: { manifest: train, encrypted: encryptTrain, ...(encryptTrain && mayOpen && { mayOpen }) },
      test: { manifest: test, encrypted: true },
    },
  });
}

const provableBy = (job: Job, records: number, { limits, height }: Wanted): boolean =>
  limits !== null && isProvable(job, records, limits, height + 1);

export function checkDraft(wanted: Wanted, sets: Sets | undefined, records: number): DraftFacts {
  const job = documentOf(wanted, { train: ANY_CID, test: ANY_CID });
  if (sets !== undefined) for (const set of [sets.train, sets.test]) checkDataFits(job, set);
  return {
    parameters: job.model.parameters,
    macsPerStep: stepCost(job.model, job.recipe).macs,
    provable: provableBy(job, sets?.train.labels.length ?? records, wanted),
    segments: segmentPlan(job).segments,
  };
}

export async function prepare(
  wanted: Wanted,
  sets: Sets,
  onProgress: (share: number) => void,
): Promise<Prepared> {
  checkDraft(wanted, sets, 0);
  const blocks: { cid: string; bytes: Uint8Array }[] = [];
  const bytesOf = (set: Sets['train']): number => set.inputs.length + set.labels.length;
  const all = bytesOf(sets.train) + bytesOf(sets.test);
  let done = 0;
  const content = {
    async putBytes(bytes: Uint8Array): Promise<string> {
      const cid = leafCid(bytes);
      blocks.push({ cid, bytes });
      done += bytes.length;
      onProgress(Math.min(1, done / all));
      return cid;
    },
    async pin() {},
  };
  const { name } = wanted.draft as { name?: unknown };
  const key = (): Uint8Array => crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const testKey = key();
  const dataKey = wanted.encryptTrain ? key() : undefined;
  const about = (set: string) => ({ name: `${name} (${set})`.slice(0, 200), licence: wanted.licence });
  const train = await importRecords(content, recordsInMemory(sets.train), {
    ...about('train'),
    ...(dataKey && { encryptKey: dataKey }),
  });
  const test = await importRecords(content, recordsInMemory(sets.test), {
    ...about('test'),
    encryptKey: testKey,
  });
  const job = documentOf(wanted, { train: train.manifestCid, test: test.manifestCid });
  const document = encodeJob(job.document);
  if (document.length > JOB_LIMITS.documentBytes)
    throw new FedaiError('TOO_LARGE', 'the document is too large', { got: document.length });
  const documentCid = await content.putBytes(document);
  return {
    document: job.document,
    documentCid,
    documentHash: toHex(sha256(document)),
    testRoot: toHex(test.plaintextRoot),
    provable: provableBy(job, train.count, wanted),
    testKey,
    dataKey,
    blocks,
  };
}
