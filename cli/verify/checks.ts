/** The checks that prove a job's record and result, in order; each stands on the ones before. Pure but for the evidence it asks for. */
import { canonicalJson, equalBytes, FedaiError, fromHex, type Hex, sha256, toHex } from '../../core/index.ts';
import {
  type Batch,
  decodeModel,
  type Engine,
  MAX_MODEL_FILE_BYTES,
  type Model,
  modelHash,
} from '../../engine/index.ts';
import { decodeJob, JOB_LIMITS, type Job, scoreModel } from '../../job/index.ts';
import { verifyAccountProof, verifyHeader, verifyStorageProof } from '../../light/index.ts';
import {
  hashReceipt,
  type JobReceipt,
  receiptStorageKey,
  recoverSigner,
  scoreDigest,
  verdicts,
  ZERO_HASH,
} from '../../market/index.ts';
import { openDataset } from '../../storage/index.ts';
import type { EvidenceSource } from './source.ts';
import type { Trusted } from './trusted.ts';

export interface Check {
  name: 'header' | 'proof' | 'receipt' | 'document' | 'model' | 'test set' | 'score' | 'signatures';
  ok: boolean;
  /** What was found, or why it failed. */
  detail: string;
  /** Set when evidence was out of reach rather than wrong. */
  fault?: FedaiError;
}

interface Given {
  source: EvidenceSource;
  trusted: Trusted;
  engine: Engine;
  jobId: bigint;
}

/** What the checks so far have established. */
interface Established {
  stateRoot: Uint8Array;
  height: number;
  receiptHash: Hex;
  receipt: JobReceipt;
  job: Job;
  model: Model;
  weights: Int32Array[];
  test: Batch;
}

type Step = (given: Given, known: Established) => Promise<string>;

const steps: readonly [Check['name'], Step][] = [
  ['header', checkHeader],
  ['proof', checkProof],
  ['receipt', checkReceipt],
  ['document', checkDocument],
  ['model', checkModel],
  ['test set', checkTestSet],
  ['score', checkScore],
  ['signatures', checkSignatures],
];

/** Yields one check after the other and ends after the first that fails. Throws only when `signal` aborts. */
export async function* checkJob(given: Given, signal: AbortSignal): AsyncGenerator<Check> {
  const known = {} as Established;
  for (const [name, step] of steps) {
    signal.throwIfAborted();
    let check: Check;
    try {
      check = { name, ok: true, detail: await step(given, known) };
    } catch (error) {
      signal.throwIfAborted();
      check = { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
      if (error instanceof FedaiError && error.transient) check.fault = error;
    }
    yield check;
    if (!check.ok) return;
  }
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new FedaiError('NOT_VERIFIED', otherwise);
}

async function checkHeader({ source, trusted }: Given, known: Established): Promise<string> {
  const evidence = await source.header();
  const checked = verifyHeader({ chainId: trusted.chainId, set: trusted.validators, ...evidence });
  demand(checked.ok, checked.ok ? '' : checked.reason);
  known.stateRoot = checked.header.stateRoot;
  known.height = checked.header.number;
  return `block ${known.height} is committed by more than two thirds of the chain spec's ${trusted.validators.length} validators`;
}

async function checkProof({ source, trusted, jobId }: Given, known: Established): Promise<string> {
  const { accountProof, storageProof } = await source.proof(jobId, known.height);
  const account = verifyAccountProof(known.stateRoot, trusted.jobManager, accountProof);
  demand(account !== null, 'there is no JobManager in the state');
  const value = verifyStorageProof(account.storageRoot, fromHex(receiptStorageKey(jobId)), storageProof);
  demand(value !== 0n, `job ${jobId} has no receipt: it is not settled, or does not exist`);
  known.receiptHash = `0x${value.toString(16).padStart(64, '0')}`;
  return `the state of block ${known.height} holds receipt hash ${known.receiptHash}`;
}

async function checkReceipt({ source, jobId }: Given, known: Established): Promise<string> {
  const receipt = await source.receipt(jobId);
  demand(hashReceipt(receipt) === known.receiptHash, 'the receipt has another hash than the state holds');
  demand(
    receipt.state === 'Completed',
    `the job ended as ${receipt.state} (${receipt.exit}): it has no agreed score`,
  );
  const { escrow, ...shares } = receipt.payouts;
  const paid = Object.values(shares).reduce((sum, share) => sum + share, 0n);
  demand(paid === escrow, `the payouts sum to ${paid} wei, not to the escrow of ${escrow} wei`);
  known.receipt = receipt;
  return `the receipt hashes to it; its payouts sum to the escrow of ${escrow} wei`;
}

async function checkDocument({ source }: Given, known: Established): Promise<string> {
  const { documentCid, documentHash } = known.receipt;
  const bytes = await source.content.getBytes(documentCid, { maxBytes: JOB_LIMITS.documentBytes });
  demand(
    equalBytes(sha256(bytes), fromHex(documentHash)),
    'the job document has another hash than the receipt names',
  );
  known.job = decodeJob(bytes);
  return `the job document "${known.job.document.name}" has SHA-256 ${documentHash}`;
}

async function checkModel({ source }: Given, known: Established): Promise<string> {
  const { modelCid, modelHash: expected } = known.receipt;
  const file = await source.content.getBytes(modelCid, { maxBytes: MAX_MODEL_FILE_BYTES });
  const { model, weights } = decodeModel(file);
  const got = toHex(modelHash(model, weights));
  demand(got === expected, `the model hashes to ${got}, not to ${expected}`);
  const same = equalBytes(canonicalJson(model.document), canonicalJson(known.job.model.document));
  demand(same, 'the model has other layers than the job asked for');
  known.model = model;
  known.weights = weights;
  return `the model of ${model.parameters} parameters hashes to ${expected}`;
}

async function checkTestSet({ source, jobId }: Given, known: Established): Promise<string> {
  const { testKeyCommitment, testRoot } = known.receipt;
  const key = await source.testKey(jobId);
  demand(key !== ZERO_HASH, 'the test key is not public yet');
  demand(toHex(sha256(fromHex(key, 32))) === testKeyCommitment, 'the test key is not the one committed to');
  const set = await openDataset(source.content, known.job.document.data.test.manifest, {
    key: fromHex(key, 32),
  });
  demand(toHex(set.plaintextRoot) === testRoot, 'the test set has another root than the receipt names');
  known.test = await set.all();
  return `${set.count} hidden samples open with the published key under root ${testRoot}`;
}

async function checkScore({ engine }: Given, known: Established): Promise<string> {
  const { agreed, modelHash: hash } = known.receipt;
  const { correct, total, outputsRoot } = scoreModel(engine, known.model, known.weights, known.test);
  demand(
    correct === agreed.correct && total === agreed.total,
    `the model scores ${correct}/${total}, not ${agreed.correct}/${agreed.total}`,
  );
  demand(
    toHex(outputsRoot) === agreed.outputsRoot,
    'the model gives other outputs than the evaluators signed',
  );
  demand(agreed.modelHash === hash && verdicts[agreed.verdict] === 'Score', 'the score is of another model');
  return `re-scored: ${correct} of ${total} are right, every output as signed`;
}

async function checkSignatures({ source, trusted, jobId }: Given, known: Established): Promise<string> {
  const { agreed, agreeing, evaluators } = known.receipt;
  const needed = Math.ceil((2 * evaluators.length) / 3);
  demand(agreeing.length >= needed, `${agreeing.length} evaluators agree, ${needed} must`);
  const digest = scoreDigest({ chainId: trusted.chainId, jobManager: trusted.jobManager }, jobId, agreed);
  const reveals = await source.reveals(jobId);
  for (const evaluator of agreeing) {
    demand(evaluators.includes(evaluator), `${evaluator} was not drawn`);
    const signed = reveals.some(
      (reveal) => reveal.evaluator === evaluator && recoverSigner(digest, reveal.signature) === evaluator,
    );
    demand(signed, `evaluator ${evaluator} did not sign this score`);
  }
  return `${agreeing.length} of ${evaluators.length} evaluators signed exactly this score`;
}
