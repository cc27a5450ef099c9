/** What an evaluator commits to: a Merkle root over each sample's class and logits, and the number of right classes. */
import { FedaiError, merkleLeaf, merkleRoot } from '../../core/index.ts';
import type { Predictions } from '../engine.ts';

/** Leaf of sample i: class u16be ‖ logits int32be at 2^−16. */
function outputLeaf({ classes, logitsQ16 }: Predictions, row: number): Uint8Array {
  const width = logitsQ16.length / classes.length;
  const view = new DataView(new ArrayBuffer(2 + 4 * width));
  view.setUint16(0, classes[row]!);
  for (let j = 0; j < width; j++) view.setInt32(2 + 4 * j, logitsQ16[row * width + j]!);
  return merkleLeaf(new Uint8Array(view.buffer));
}

/** Root over all samples in order; equal on every machine that scores the same model on the same samples. */
export const outputsRoot = (predictions: Predictions): Uint8Array =>
  merkleRoot(Array.from(predictions.classes, (_, row) => outputLeaf(predictions, row)));

/** How many classes equal their label. Throws `BAD_BATCH` when the numbers of samples differ. */
export function countCorrect(predictions: Predictions, labels: Uint8Array): number {
  if (labels.length !== predictions.classes.length) {
    throw new FedaiError('BAD_BATCH', 'one label a prediction', {
      got: labels.length,
      expected: predictions.classes.length,
    });
  }
  return labels.reduce((correct, label, row) => correct + (predictions.classes[row] === label ? 1 : 0), 0);
}
