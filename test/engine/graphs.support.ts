/** Random documents beyond plain chains, recipes and states for them: what every kernel that covers graphs is compared on. */
import fc from 'fast-check';
import type { ModelDocument, TrainState } from '../../engine/index.ts';
import { conv, dense, flatten, pool, relu } from './support.ts';

type Layers = ModelDocument['layers'];
export const layer = (class_name: string, config?: object, more: object = {}): Layers[number] =>
  ({ class_name, ...(config && { config }), ...more }) as Layers[number];

/** One layer that keeps an image's or a vector's shape. */
const keeping = fc.constantFrom<Layers[number][]>(
  [layer('BatchNormalization', {})],
  [layer('LayerNormalization', { epsilonShift: 9 })],
  [layer('GELU')],
  [layer('Dropout', { rateQ8: 77 })],
  [relu],
  [layer('BatchNormalization', { epsilonShift: 3, momentumShift: 2 }), relu],
);

const side = fc.integer({ min: 5, max: 9 });
export const anyImage = fc
  .record({
    input: fc.tuple(side, side, fc.integer({ min: 1, max: 5 })),
    filters: fc.integer({ min: 1, max: 11 }),
    stride: fc.integer({ min: 1, max: 2 }),
    rectified: fc.boolean(),
    before: keeping,
    between: keeping,
    after: keeping,
    pooled: fc.constantFrom('none', 'max', 'average', 'global'),
    projected: fc.boolean(),
    classes: fc.integer({ min: 2, max: 9 }),
  })
  .map(({ input, filters, stride, rectified, before, between, after, pooled, projected, classes }) => {
    const named = (one: Layers[number], name: string, from?: string[]): Layers[number] => ({
      ...one,
      name,
      ...(from && { from }),
    });
    const activation = rectified ? 'relu' : 'linear';
    const body: Layers = [
      named(conv(filters, [3, 3], 'same', activation, [stride, stride]), 'stem'),
      ...before,
      conv(filters, [3, 2], 'same', activation),
      ...between,
      named(conv(filters, [1, 3], 'same', activation, undefined, false), 'branch'),
      ...(projected
        ? [named(conv(filters, [1, 1], 'same', activation), 'projected', ['stem'])]
        : [named(relu, 'projected', ['stem'])]),
      layer('Add', undefined, { name: 'sum', from: ['branch', 'projected', 'stem'] }),
      ...after,
    ];
    const rest: Record<string, Layers> = {
      none: [flatten],
      max: [pool(2, 2), flatten],
      average: [layer('AveragePooling2D', { pool_size: [2, 3] }), flatten],
      global: [layer('GlobalAveragePooling2D')],
    };
    return { input: [...input], layers: [...body, ...rest[pooled]!, dense(classes, 'softmax')] };
  });

export const anySequence = fc
  .record({
    length: fc.constantFrom(2, 4, 8, 16),
    heads: fc.integer({ min: 1, max: 3 }),
    width: fc.integer({ min: 1, max: 9 }),
    causal: fc.boolean(),
    norm: fc.boolean(),
    dropped: fc.boolean(),
    vocabulary: fc.integer({ min: 2, max: 37 }),
  })
  .map(({ length, heads, width, causal, norm, dropped, vocabulary }) => {
    const channels = heads * width;
    const normed = norm ? [layer('LayerNormalization', {})] : [];
    const layers: Layers = [
      layer('Embedding', { input_dim: vocabulary, output_dim: channels }),
      layer('PositionEmbedding', undefined, { name: 'in' }),
      ...normed,
      dense(3 * channels, 'linear'),
      layer('Attention', { num_heads: heads, causal }),
      ...(dropped ? [layer('Dropout', { rateQ8: 30 })] : []),
      { ...dense(channels, 'linear'), name: 'mixed' },
      layer('Add', undefined, { name: 'middle', from: ['in', 'mixed'] }),
      ...normed,
      dense(2 * channels, norm ? 'linear' : 'relu'),
      layer('GELU'),
      { ...dense(channels, 'linear'), name: 'out' },
      layer('Add', undefined, { from: ['middle', 'out'] }),
      ...normed,
      dense(vocabulary, 'softmax'),
    ];
    return { input: [length], layers };
  });

const schedule = { peakQ24: 60_000, warmupSteps: 1, decay: 'cosine', decaySteps: 9, floorQ24: 100 };
export const OPTIMIZERS = [
  { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [5], boundaries: [] } },
  { class_name: 'SGDW', config: { momentumShift: 2, weightDecayQ24: 170_000, schedule } },
  {
    class_name: 'AdamW',
    config: { beta1Shift: 3, beta2Shift: 7, epsilonQ34: 171, weightDecayQ24: 170_000, schedule },
  },
];

/** As drawn, or magnitudes of every kind up to both ends of int32. */
export function stateOf(start: TrainState, wild: boolean, moments: number, noise: () => number): TrainState {
  if (!wild) return start;
  const spread = (): number => {
    const kind = noise() & 15;
    return kind === 0 ? 2147483647 : kind === 1 ? -2147483647 : noise() >> (noise() & 31);
  };
  const second = start.velocity.length - start.weights.length;
  return {
    counter: 5,
    weights: start.weights.map((tensor) => tensor.map(spread)),
    velocity: start.velocity.map((tensor, t) =>
      tensor.map(() => (moments === 2 && t >= second ? Math.abs(spread()) : spread())),
    ),
  };
}

export const anyDocument = fc.oneof(anyImage, anySequence);
