/** Loss and gradient of the logits of a WebAssembly session. */
import { PROBABILITY_BITS } from '../arithmetic/softmax.ts';
import { SQUARED_GRADIENT_BITS, squaredGradient } from '../arithmetic/squared.ts';
import { EXP2_NEGATIVE_Q20, LOG2_ONE_PLUS_Q16 } from '../arithmetic/tables.ts';
import type { TrainingRecipe } from '../document.ts';
import type { Batch } from '../engine.ts';
import type { Model } from '../model.ts';
import { answersOf, targetsOf } from '../reference/loss.ts';
import type { Machine } from './machine.ts';
import { type Context, narrowInto, roundUp, type Slot } from './stage.ts';

/** Both tables of the softmax, one behind the other. */
export function createTables(machine: Machine): { pointer: number; bind(): void } {
  const entries = [...EXP2_NEGATIVE_Q20, ...LOG2_ONE_PLUS_Q16];
  const pointer = machine.allocate(4 * entries.length);
  return { pointer, bind: () => machine.int32(pointer, entries.length).set(entries) };
}

export interface Loss {
  bind(): void;
  /** Narrows the gradient of the logits into `to`; returns the sum of the losses at 2^−16. */
  run(exponent: number, batch: Batch, to: Slot): number;
}

/** `tables` are the softmax's. */
export function createLoss(context: Context, model: Model, recipe: TrainingRecipe, tables: number): Loss {
  const { machine, scratch, format } = context;
  const rows = context.capacity * model.positions;
  const pitch = roundUp(model.classes, 8);
  const cells = rows * model.classes;
  const raw = machine.allocate(4 * cells);
  const answers = machine.allocate(4 * rows);
  const losses = machine.allocate(4 * rows);
  let views: { answers: Int32Array; losses: Int32Array } = {
    answers: new Int32Array(0),
    losses: new Int32Array(0),
  };
  let wide: Int32Array = new Int32Array(0);
  let gradient: Int32Array = new Int32Array(0);

  function classed(exponent: number, batch: Batch, to: Slot): number {
    views.answers.set(answersOf(model, batch));
    const bits = machine.graph('crossEntropy', rows, 1, (begin, end) => [
      scratch.wide + 4 * begin * pitch,
      pitch,
      end - begin,
      model.classes,
      exponent,
      answers + 4 * begin,
      tables,
      raw + 4 * begin * model.classes,
      losses + 4 * begin,
    ]);
    narrowInto(machine, raw, to, cells, bits, -PROBABILITY_BITS, format.gradientBits);
    return views.losses.reduce((sum, loss) => sum + loss, 0);
  }

  function squared(exponent: number, batch: Batch, to: Slot): number {
    const { classes } = model;
    const outputs = new Int32Array(cells);
    for (let row = 0; row < rows; row++)
      outputs.set(wide.subarray(row * pitch, row * pitch + classes), row * classes);
    const loss = squaredGradient(outputs, exponent, targetsOf(model, recipe, batch), classes, gradient);
    const bits = gradient.reduce((or, value) => or | Math.abs(value), 0);
    narrowInto(machine, raw, to, cells, bits, -SQUARED_GRADIENT_BITS, format.gradientBits);
    return loss;
  }

  return {
    bind() {
      views = { answers: machine.int32(answers, rows), losses: machine.int32(losses, rows) };
      wide = machine.int32(scratch.wide, rows * pitch);
      gradient = machine.int32(raw, cells);
    },
    run: recipe.loss === 'mean_squared_error' ? squared : classed,
  };
}
