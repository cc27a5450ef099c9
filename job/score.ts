/** The score of a model on labelled samples: integers only, so that every evaluator and every verifier finds the same. */
import { concatBytes, merkleLeaf, merkleRoot, uintBytes } from '../core/index.ts';
import type { Batch, Engine, Model } from '../engine/index.ts';

export interface ModelScore {
  readonly correct: number;
  readonly total: number;
  /** RFC 6962 root over one leaf a sample: class u16be ‖ logits · 2^16 as two's complement i32be, class by class. */
  readonly outputsRoot: Uint8Array;
}

/** Samples predicted at a time: bounds memory, changes no bit of the result. */
const CHUNK_SAMPLES = 256;

/** Scores `data.labels.length` samples, at least one. */
export function scoreModel(
  engine: Engine,
  model: Model,
  weights: readonly Int32Array[],
  data: Batch,
): ModelScore {
  const total = data.labels.length;
  const leaves: Uint8Array[] = [];
  let correct = 0;
  for (let first = 0; first < total; first += CHUNK_SAMPLES) {
    const count = Math.min(CHUNK_SAMPLES, total - first);
    const inputs = data.inputs.subarray(first * model.inputSize, (first + count) * model.inputSize);
    const { classes, logitsQ16 } = engine.predict(model, weights, inputs, count);
    for (let i = 0; i < count; i++) {
      if (classes[i] === data.labels[first + i]) correct++;
      leaves.push(outputLeaf(classes[i]!, logitsQ16.subarray(i * model.classes, (i + 1) * model.classes)));
    }
  }
  return { correct, total, outputsRoot: merkleRoot(leaves) };
}

function outputLeaf(predicted: number, logitsQ16: Int32Array): Uint8Array {
  const logits = new Uint8Array(4 * logitsQ16.length);
  const view = new DataView(logits.buffer);
  for (let i = 0; i < logitsQ16.length; i++) view.setInt32(4 * i, logitsQ16[i]!);
  return merkleLeaf(concatBytes(uintBytes(predicted, 2), logits));
}
