/** SGD with momentum and Adam on the variables of a model, as Keras defines them, with decoupled weight decay. Their state is kept by name. */
import type { Core, LayerVariable, Tensor, Variable } from './library.ts';
import type { FloatRecipe } from './recipe.ts';

export interface Optimiser {
  /** Moments by name, for checkpoints. */
  readonly moments: ReadonlyMap<string, Variable>;
  /** Of the step after `counter` finished ones, inside a tidy; undefined where a weight takes no part. */
  update(gradients: readonly (Tensor | undefined)[], counter: number): void;
  dispose(): void;
}

function clipped(
  core: Core,
  gradients: readonly (Tensor | undefined)[],
  most: number,
): (Tensor | undefined)[] {
  const squares = gradients.flatMap((gradient) => (gradient ? [core.sum(core.square(gradient))] : []));
  const norm = core.sqrt(squares.reduce((sum, one) => core.add(sum, one)));
  // most / max(norm, most), which is 1 up to the limit.
  const factor = core.div(most, core.clipByValue(norm, most, 3e38));
  return gradients.map((gradient) => gradient && core.mul(gradient, factor));
}

/** `names`: one for each weight, the same in every run. */
export function createOptimiser(
  core: Core,
  weights: readonly LayerVariable[],
  names: readonly string[],
  { optimizer, learningRate, clipNorm }: FloatRecipe,
): Optimiser {
  const { kind, momentum, nesterov, beta1, beta2, epsilon, weightDecay } = optimizer;
  const moments = new Map<string, Variable>();
  const slots = kind === 'adam' ? ['first', 'second'] : momentum > 0 ? ['velocity'] : [];
  for (const slot of slots)
    for (const [i, { shape }] of weights.entries())
      moments.set(
        `${names[i]}/${slot}`,
        core.tidy(() => core.variable(core.zeros(shape), false)),
      );
  const moment = (i: number, slot: string): Variable => moments.get(`${names[i]}/${slot}`)!;
  /** The new value of a moment that keeps a share of itself. */
  const renewed = (variable: Variable, kept: number, added: Tensor): Tensor => {
    const next = core.add(core.mul(variable, kept), added);
    variable.assign(next);
    return next;
  };
  function strideOf(i: number, gradient: Tensor, rate: number, counter: number): Tensor {
    if (kind === 'sgd') {
      if (momentum === 0) return core.mul(gradient, rate);
      const velocity = renewed(moment(i, 'velocity'), momentum, gradient);
      const ahead = nesterov ? core.add(core.mul(velocity, momentum), gradient) : velocity;
      return core.mul(ahead, rate);
    }
    const first = renewed(moment(i, 'first'), beta1, core.mul(gradient, 1 - beta1));
    const second = renewed(moment(i, 'second'), beta2, core.mul(core.square(gradient), 1 - beta2));
    const pace = (rate * Math.sqrt(1 - beta2 ** (counter + 1))) / (1 - beta1 ** (counter + 1));
    return core.mul(core.div(first, core.add(core.sqrt(second), epsilon)), pace);
  }
  return {
    moments,
    update(gradients, counter) {
      const rate = learningRate(counter);
      const used = clipNorm === undefined ? gradients : clipped(core, gradients, clipNorm);
      for (const [i, weight] of weights.entries()) {
        const gradient = used[i];
        // Nothing that the loss depends on.
        if (!gradient) continue;
        const value = weight.read();
        const decays = weightDecay > 0 && value.shape.length > 1;
        const kept = decays ? core.mul(value, 1 - rate * weightDecay) : value;
        weight.write(core.sub(kept, strideOf(i, gradient, rate, counter)));
      }
    },
    dispose() {
      for (const variable of moments.values()) variable.dispose();
    },
  };
}
