/** The accuracy of a job's model after each training round, measured here on records that can be read. Runs in the worker. */
import { FedaiError } from '../../core/index.ts';
import { decodeState, type Engine, momentsOf, stateLength } from '../../engine/index.ts';
import { type DatasetManifest, decodeJob, JOB_LIMITS } from '../../job/index.ts';
import { gatewayStore, openDataset } from '../../storage/browser.ts';
import type { AccuracyPoint, AccuracyWish } from './messages.ts';

/** Enough for a curve: ±1.3 points at 90 %. */
const SAMPLES = 500;
const MAX_SHARDS = 4;
/** A state that does not arrive is left out. */
const FETCH_TIMEOUT_MS = 15_000;

/** From all over the set, which may be sorted by class, but of a few shards only: each is fetched whole. */
function placesOf({ count, shardRecords, shards }: DatasetManifest): number[] {
  const every = Math.max(1, Math.ceil(shards.length / MAX_SHARDS));
  const near = Array.from({ length: count }, (_, index) => index).filter(
    (index) => Math.floor(index / shardRecords) % every === 0,
  );
  const step = Math.max(1, near.length / SAMPLES);
  return Array.from({ length: Math.min(SAMPLES, near.length) }, (_, i) => near[Math.floor(i * step)]!);
}

export async function measureAccuracy(
  engine: Engine,
  wish: AccuracyWish,
  tell: (point: AccuracyPoint) => void,
): Promise<number> {
  const content = gatewayStore(location.origin);
  const { document, model, recipe } = decodeJob(
    await content.getBytes(wish.documentCid, { maxBytes: JOB_LIMITS.documentBytes }),
  );
  const { train, test } = document.data;
  if (wish.testKey === undefined && train.encrypted)
    throw new FedaiError('HIDDEN', 'the records of this job are hidden until it is settled');
  const set = await (wish.testKey === undefined
    ? openDataset(content, train.manifest)
    : openDataset(content, test.manifest, { key: wish.testKey }));
  const places = placesOf(set.manifest);
  const count = places.length;
  const records = await set.read(places);
  const moments = momentsOf(recipe);
  const limits = { maxBytes: stateLength(model, moments), timeoutMs: FETCH_TIMEOUT_MS };
  for (const { round, stateCid } of wish.states) {
    const bytes = await content.getBytes(stateCid, limits).catch(() => undefined);
    if (bytes === undefined) continue;
    const { weights } = decodeState(model, bytes, moments);
    const { classes } = engine.predict(model, weights, records.inputs, count);
    const right = classes.reduce((sum, name, i) => sum + (name === records.labels[i] ? 1 : 0), 0);
    tell({ round, accuracy: right / count });
  }
  return count;
}
