/** Optimisers of a WebAssembly session, and clipping before them: the same bits as engine/reference/optimiser.ts and clip.ts. */
import { largest } from '../arithmetic/format.ts';
import { bitLength } from '../arithmetic/integers.ts';
import { scheduledRate } from '../arithmetic/schedule.ts';
import { learningRateShift, type TrainingRecipe } from '../document.ts';
import { clipFactor, MEASURE_BITS } from '../reference/clip.ts';
import { adamwPace, decayQ32, gradientShift, MOMENT_EXTRA_BITS } from '../reference/optimiser.ts';
import { type Context, MAGNITUDE_BYTES, type Tensor } from './stage.ts';

/** Elements of a tensor that a part of an update is a multiple of. */
const GRAIN = 8;

type Update = (tensor: Tensor, shift: number) => void;

/** One optimiser step on every trained tensor; `batch` is samples times positions. */
export function updateTensors(context: Context, recipe: TrainingRecipe, batch: number): void {
  const trained = context.tensors.filter((tensor) => tensor.trained);
  if (recipe.clipNormQ16 !== undefined) clip(context, trained, recipe.clipNormQ16, batch);
  const update = createUpdate(context, recipe);
  for (const tensor of trained) update(tensor, gradientShift(tensor.gradientExponent, batch));
}

function createUpdate(context: Context, { optimizer }: TrainingRecipe): Update {
  const { machine, magnitudes, step } = context;
  switch (optimizer.class_name) {
    case 'SGD': {
      const rate = learningRateShift(optimizer.config, step.counter);
      return (tensor, shift) => updateTensor(context, tensor, shift, optimizer.config.momentumShift, rate);
    }
    case 'SGDW': {
      const { momentumShift, weightDecayQ24, schedule } = optimizer.config;
      const rate = scheduledRate(schedule, step.counter);
      const loss = decayQ32(rate, weightDecayQ24);
      return (tensor, shift) => {
        const { weight, velocity, gradient, decays } = tensor;
        magnitudes.view[2 * tensor.index] = machine.graph('sgdw', tensor.size, GRAIN, (begin, end) => [
          weight + 4 * begin,
          velocity + 4 * begin,
          gradient + 4 * begin,
          end - begin,
          shift,
          momentumShift,
          rate,
          decays ? loss : 0,
        ]);
      };
    }
    case 'AdamW': {
      const { beta1Shift, beta2Shift } = optimizer.config;
      const { loss, pace, epsilon } = adamwPace(optimizer.config, step.counter);
      return (tensor, shift) => {
        const { weight, velocity, second, gradient, decays } = tensor;
        magnitudes.view[2 * tensor.index] = machine.graph('adamw', tensor.size, GRAIN, (begin, end) => [
          weight + 4 * begin,
          velocity + 4 * begin,
          second + 4 * begin,
          gradient + 4 * begin,
          end - begin,
          shift - MOMENT_EXTRA_BITS,
          beta1Shift,
          beta2Shift,
          epsilon,
          pace,
          decays ? loss : 0,
        ]);
      };
    }
  }
}

function updateTensor(
  { machine, magnitudes, tensors }: Context,
  tensor: Tensor,
  shift: number,
  momentum: number,
  rate: number,
): void {
  const [first, view] = [2 * tensors.length, magnitudes.view];
  view.fill(0, first);
  machine.parallel('update', tensor.size, GRAIN, (begin, end, piece) => [
    tensor.weight + 4 * begin,
    tensor.velocity + 4 * begin,
    tensor.gradient + 4 * begin,
    end - begin,
    shift,
    momentum,
    rate,
    magnitudes.pointer + MAGNITUDE_BYTES * tensor.index,
    magnitudes.pointer + MAGNITUDE_BYTES * (tensors.length + piece),
  ]);
  for (const which of [0, 1]) {
    let bits = 0;
    for (let at = first + which; at < view.length; at += 2) bits |= view[at]!;
    view[2 * tensor.index + which] = bits;
  }
}

/** Where sums of squares are put: behind the magnitudes of the tensors. */
const measuredAt = ({ magnitudes, tensors }: Context): number =>
  magnitudes.pointer + MAGNITUDE_BYTES * tensors.length;

/** Scales all gradients when their common norm is above the limit. */
function clip(context: Context, trained: readonly Tensor[], limitQ16: number, batch: number): void {
  const { machine } = context;
  const at = measuredAt(context);
  const sum = machine.doubles(at, 1);
  const measured = trained.map(({ gradient, size, gradientExponent }) => {
    const bits = machine.kernels.magnitude(gradient, size);
    const shift = Math.max(0, bitLength(bits) - MEASURE_BITS);
    machine.single.sumSquares(gradient, size, shift, largest(MEASURE_BITS), at);
    return { squares: sum[0]!, exponent: gradientExponent + shift };
  });
  const factor = clipFactor(measured, limitQ16, batch);
  if (factor === undefined) return;
  for (const { gradient, size } of trained)
    machine.graph('scaleDown', size, GRAIN, (begin, end) => [gradient + 4 * begin, end - begin, factor]);
}
