/** The losses of this engine, and what a model's output must be like for them. */
import { FedaiError } from '../../core/index.ts';
import type { Core, Tensor } from './library.ts';
import type { FloatRecipe } from './recipe.ts';

/** Keras keeps probabilities this far from 0 and 1. */
const EPSILON = 1e-7;

export interface OutputForm {
  /** Places of a sequence that are predicted; 1 for one answer a sample. */
  readonly positions: number;
  readonly units: number;
  /** Whether the model ends in softmax or sigmoid; else its outputs are logits. */
  readonly isProbability: boolean;
}

/** Classes that a data set may have. */
export const classesOf = ({ units }: OutputForm, { loss, target }: FloatRecipe): number => {
  if (loss === 'binary_crossentropy') return 2;
  return loss === 'mean_squared_error' && target !== 'one_hot' ? 256 : units;
};

/** Throws `BAD_RECIPE` where output and loss do not belong together. */
export function checkOutput(form: OutputForm, recipe: FloatRecipe, inputSize: number): void {
  const { loss, target } = recipe;
  const expected =
    loss === 'binary_crossentropy'
      ? 1
      : loss === 'mean_squared_error'
        ? { label: 1, one_hot: form.units, input: inputSize }[target]
        : form.units;
  const sequence = loss === 'sparse_categorical_crossentropy' ? inputSize : 1;
  const fits = form.units === expected && [1, sequence].includes(form.positions);
  if (fits && (loss !== 'sparse_categorical_crossentropy' || form.units > 1)) return;
  throw new FedaiError(
    'BAD_RECIPE',
    'loss and output of the model do not belong together',
    { loss, target, got: [form.positions, form.units] },
    {
      remedy:
        'end with a unit a class for sparse_categorical_crossentropy (at one place, or at every place of the input), with one unit for binary_crossentropy',
    },
  );
}

/** Mean loss of a batch. `target`: one-hot for classes, else values. */
export function lossOf(
  core: Core,
  form: OutputForm,
  recipe: FloatRecipe,
  output: Tensor,
  target: Tensor,
): Tensor {
  const flat = core.reshape(output, target.shape);
  if (recipe.loss === 'mean_squared_error') return core.mean(core.square(core.sub(flat, target)));
  if (recipe.loss === 'sparse_categorical_crossentropy') {
    const logs = form.isProbability ? core.log(core.clipByValue(flat, EPSILON, 1)) : core.logSoftmax(flat);
    return core.neg(core.mean(core.sum(core.mul(target, logs), -1)));
  }
  if (!form.isProbability) return core.mean(core.sub(core.softplus(flat), core.mul(target, flat)));
  const p = core.clipByValue(flat, EPSILON, 1 - EPSILON);
  const [yes, no] = [core.log(p), core.log(core.sub(1, p))];
  return core.neg(core.mean(core.add(core.mul(target, yes), core.mul(core.sub(1, target), no))));
}

/** Classes or values that the outputs for some samples should have, in the form that `lossOf` takes. */
export function targetOf(
  core: Core,
  form: OutputForm,
  recipe: FloatRecipe,
  inputs: Uint8Array,
  labels: Uint8Array,
): Tensor {
  const { positions, units } = form;
  const count = labels.length;
  if (recipe.loss === 'binary_crossentropy') return core.tensor(Float32Array.from(labels), [count, 1]);
  if (recipe.loss === 'mean_squared_error' && recipe.target !== 'one_hot') {
    const values = recipe.target === 'label' ? labels : inputs;
    return core.tensor(
      Float32Array.from(values, (value) => value / 256),
      [count, units],
    );
  }
  // Of a sequence every next byte is predicted; the label is the one after the last.
  const classes = Int32Array.from({ length: count * positions }, (_, i) => {
    const at = i % positions;
    return at === positions - 1 ? labels[Math.floor(i / positions)]! : inputs[i + 1]!;
  });
  return core.oneHot(core.tensor(classes, [classes.length], 'int32'), units);
}
