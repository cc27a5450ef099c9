/** Clipping and the update of all tensors on the device. Rates and decay come with each step. */
import type { TrainingRecipe } from '../document.ts';
import { severalEach } from './program.ts';
import type { Context, Tensor } from './slots.ts';
import { MEASURE_WORDS, NO_CLIP } from './wgsl/optimise.ts';

/** A tensor that the optimiser moves. */
type Trained = Tensor & { readonly gradient: NonNullable<Tensor['gradient']> };
const isTrained = (tensor: Tensor): tensor is Trained => tensor.gradient !== undefined;

/** The factor of all gradients: 2^16, or less where their norm is above the limit. */
function clipCalls(
  context: Context,
  trained: readonly Trained[],
  limit: number,
  batchLog: number,
): GPUBuffer {
  const { program, places } = context;
  const measures = program.buffer(MEASURE_WORDS * trained.length);
  const factor = program.buffer(1);
  program.clear(measures);
  for (const [index, { size, gradient }] of trained.entries()) {
    const magnitude = places.take();
    program.call('magnitude', [size, magnitude], [gradient.buffer, places.magnitudes], [severalEach(size)]);
    program.call(
      'squares',
      [size, gradient.exponent, magnitude, index, batchLog],
      [gradient.buffer, places.magnitudes, places.exponents, measures],
      [severalEach(size)],
    );
  }
  program.call('clip', [trained.length, limit], [measures, factor], [1]);
  return factor;
}

function kernelOf({ optimizer }: TrainingRecipe, { decays }: Tensor): [name: string, fields: number[]] {
  const decaying = decays ? 1 : 0;
  switch (optimizer.class_name) {
    case 'SGD':
      return ['sgd', [optimizer.config.momentumShift]];
    case 'SGDW':
      return ['sgdw', [optimizer.config.momentumShift, decaying]];
    case 'AdamW':
      return ['adamw', [optimizer.config.beta1Shift, optimizer.config.beta2Shift, decaying]];
  }
}

/** `rows`: samples times positions, a power of two. */
export function updateCalls(context: Context, recipe: TrainingRecipe, rows: number): void {
  const { program, places, tensors, shared } = context;
  const trained = tensors.filter(isTrained);
  const batchLog = Math.log2(rows);
  const { clipNormQ16 } = recipe;
  const factor =
    clipNormQ16 === undefined
      ? program.filled(Int32Array.of(NO_CLIP))
      : clipCalls(context, trained, clipNormQ16, batchLog);
  program.clear(places.weightMagnitudes);
  for (const tensor of trained) {
    const [name, fields] = kernelOf(recipe, tensor);
    const { size, weight, gradient, moments, magnitude } = tensor;
    program.call(
      name,
      [size, gradient.exponent, batchLog, magnitude, ...fields],
      [weight, gradient.buffer, places.exponents, places.weightMagnitudes, shared.words, factor, ...moments],
      [severalEach(size)],
    );
  }
}
