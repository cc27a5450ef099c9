/** The page's worker: executes proofs again and runs models, with the same engine, rules and light client as the chain's own nodes. */
import { z } from 'zod';
import { toHex } from '../../core/index.ts';
import {
  createEngine,
  decodeModel,
  type Engine,
  MAX_MODEL_FILE_BYTES,
  type Model,
  modelHash,
} from '../../engine/index.ts';
import { gatewayStore } from '../../storage/gateway-store.ts';
import { checkWork, type WorkCheck, workSource } from '../../verify/index.ts';
import { failureOf } from '../node/asking.ts';
import { pageTransport } from '../rpc/transport.ts';
import { measureAccuracy } from './accuracy.ts';
import { damaging, lyingFetch } from './damage.ts';
import type { AccuracyWish, Damage, ModelFacts, Question, Reply } from './messages.ts';

// The page's policy allows no code made from text, which zod would try.
z.config({ jitless: true });

const origin = location.origin;
let engine: Promise<Engine> | undefined;
const openEngine = (): Promise<Engine> => {
  engine ??= createEngine();
  return engine;
};
let loaded: { model: Model; weights: Int32Array[] } | undefined;

const reply = (message: Reply): void => postMessage(message);

async function verify(id: number, height: number, damage: Damage): Promise<boolean> {
  const signal = new AbortController().signal;
  const gateway = gatewayStore(origin, damage === 'bytes' ? lyingFetch : fetch.bind(globalThis));
  let since = performance.now();
  const told = new Set<string>();
  const tell = ({ name, ok, detail, fault }: WorkCheck): void => {
    if (told.has(name)) return;
    const now = performance.now();
    told.add(name);
    const isAway = fault !== undefined;
    reply({ id, kind: 'check', check: { name, ok, detail, isAway, ms: now - since } });
    since = now;
  };
  const given = {
    onPassed: tell,
    source: workSource(pageTransport(`${origin}/`), signal),
    content: damaging(gateway, damage),
    engine: await openEngine(),
    height,
    trusted: undefined,
  };
  let verified = false;
  for await (const check of checkWork(given, signal)) {
    verified = check.ok;
    tell(check);
  }
  return verified;
}

async function loadModel(cid: string): Promise<ModelFacts> {
  const bytes = await gatewayStore(origin).getBytes(cid, { maxBytes: MAX_MODEL_FILE_BYTES });
  loaded = decodeModel(bytes);
  const { model, weights } = loaded;
  return {
    hash: toHex(modelHash(model, weights)),
    bytes: bytes.length,
    input: model.document.input,
    classes: model.classes,
    parameters: model.parameters,
    kernel: (await openEngine()).kernel,
  };
}

/** Logits · 2^16. */
async function predict(pixels: Uint8Array): Promise<number[]> {
  if (loaded === undefined) throw new RangeError('no model is loaded');
  const { logitsQ16 } = (await openEngine()).predict(loaded.model, loaded.weights, pixels, 1);
  return [...logitsQ16];
}

async function accuracy(id: number, wish: AccuracyWish): Promise<number> {
  return measureAccuracy(await openEngine(), wish, (point) => reply({ id, kind: 'point', point }));
}

function answer(question: Question): Promise<unknown> {
  if (question.kind === 'accuracy') return accuracy(question.id, question.wish);
  if (question.kind === 'verify') return verify(question.id, question.height, question.damage);
  return question.kind === 'model' ? loadModel(question.cid) : predict(question.pixels);
}

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  answer(data).then(
    (value) => reply({ id: data.id, kind: 'done', value }),
    (error: unknown) => reply(failureOf(data.id, error)),
  );
});
