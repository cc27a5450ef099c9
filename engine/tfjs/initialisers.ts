/** First weights by the initialisers of Keras, seeded: the same on every backend. Owns no TensorFlow.js. */
import { FedaiError } from '../../core/index.ts';
import { normalOf, randomOf } from './random.ts';

export interface Initialiser {
  readonly kind:
    | 'constant'
    | 'uniform'
    | 'normal'
    | 'truncated'
    | 'scaled-uniform'
    | 'scaled-normal'
    | 'orthogonal'
    | 'identity';
  /** The constant, the lower end, the mean, the scale or the gain. */
  readonly a: number;
  /** The upper end or the deviation. */
  readonly b: number;
  readonly mode: 'fan_in' | 'fan_out' | 'fan_avg';
}

const of = (kind: Initialiser['kind'], a = 0, b = 0, mode: Initialiser['mode'] = 'fan_in'): Initialiser => ({
  kind,
  a,
  b,
  mode,
});

const asNumber = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : otherwise;

type Config = Readonly<Record<string, unknown>>;

function varianceScaling({ scale, mode, distribution }: Config): Initialiser {
  const kind = distribution === 'uniform' ? 'scaled-uniform' : 'scaled-normal';
  const fan = mode === 'fan_out' || mode === 'fan_avg' ? mode : 'fan_in';
  return of(kind, asNumber(scale, 1), 0, fan);
}

/** By class names of Keras, without underscores and in lower case. */
const KINDS: Readonly<Record<string, (config: Config) => Initialiser>> = {
  zeros: () => of('constant', 0),
  ones: () => of('constant', 1),
  constant: ({ value }) => of('constant', asNumber(value, 0)),
  randomuniform: ({ minval, maxval }) => of('uniform', asNumber(minval, -0.05), asNumber(maxval, 0.05)),
  randomnormal: ({ mean, stddev }) => of('normal', asNumber(mean, 0), asNumber(stddev, 0.05)),
  truncatednormal: ({ mean, stddev }) => of('truncated', asNumber(mean, 0), asNumber(stddev, 0.05)),
  variancescaling: varianceScaling,
  glorotuniform: () => of('scaled-uniform', 1, 0, 'fan_avg'),
  glorotnormal: () => of('scaled-normal', 1, 0, 'fan_avg'),
  heuniform: () => of('scaled-uniform', 2),
  henormal: () => of('scaled-normal', 2),
  lecununiform: () => of('scaled-uniform', 1),
  lecunnormal: () => of('scaled-normal', 1),
  orthogonal: ({ gain }) => of('orthogonal', asNumber(gain, 1)),
  identity: ({ gain }) => of('identity', asNumber(gain, 1)),
};

/** Undefined for a name that Keras has not. */
export function initialiserOf(name: string, config: Config): Initialiser | undefined {
  const key = name.replaceAll('_', '').toLowerCase();
  return Object.hasOwn(KINDS, key) ? KINDS[key]!(config) : undefined;
}

/** What a layer uses for a weight of this name where its document names none. */
export function defaultInitialiser(weight: string): Initialiser {
  if (weight === 'recurrent') return of('orthogonal', 1);
  if (weight === 'gamma' || weight === 'moving_variance') return of('constant', 1);
  if (weight === 'embeddings') return of('uniform', -0.05, 0.05);
  return /kernel|pointwise|depthwise/.test(weight)
    ? of('scaled-uniform', 1, 0, 'fan_avg')
    : of('constant', 0);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** Of a kernel [...window, in, out]. */
function fans(shape: readonly number[]): { in: number; out: number } {
  if (shape.length < 2) return { in: sizeOf(shape), out: sizeOf(shape) };
  const window = sizeOf(shape.slice(0, -2));
  return { in: window * shape.at(-2)!, out: window * shape.at(-1)! };
}

function varianceOf({ a, mode }: Initialiser, shape: readonly number[]): number {
  const fan = fans(shape);
  const divisor = { fan_in: fan.in, fan_out: fan.out, fan_avg: (fan.in + fan.out) / 2 }[mode];
  return a / Math.max(1, divisor);
}

/** Redrawn beyond two deviations. */
function truncated(next: () => number): number {
  for (;;) {
    const value = normalOf(next);
    if (Math.abs(value) <= 2) return value;
  }
}
/** Deviation of a normal variable of deviation 1 that is cut at ±2. */
const CUT_DEVIATION = 0.8796256610342398;

/** Products that making rows orthogonal may take, a second or two; long random ones are nearly so. */
const MOST_PRODUCTS = 2 ** 31;

/** Rows, or columns where there are fewer, of length 1 at right angles: Gram and Schmidt over random ones. */
function orthogonal(shape: readonly number[], gain: number, next: () => number): Float32Array {
  const columns = shape.at(-1) ?? 1;
  const rows = sizeOf(shape) / columns;
  const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)];
  const vectors = Array.from({ length: few }, () =>
    Float64Array.from({ length: many }, () => normalOf(next)),
  );
  for (const [i, vector] of vectors.entries()) {
    for (const before of few * few * many <= MOST_PRODUCTS ? vectors.slice(0, i) : []) {
      let product = 0;
      for (let k = 0; k < many; k++) product += vector[k]! * before[k]!;
      for (let k = 0; k < many; k++) vector[k]! -= product * before[k]!;
    }
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    for (let k = 0; k < many; k++) vector[k]! /= length;
  }
  return Float32Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return gain * (rows <= columns ? vectors[row]![column]! : vectors[column]![row]!);
  });
}

/** Values of a weight in the order of its shape. Throws `BAD_MODEL`. */
export function initialValues(
  initialiser: Initialiser,
  shape: readonly number[],
  seeds: readonly number[],
): Float32Array {
  const { kind, a, b } = initialiser;
  const next = randomOf(...seeds);
  const fill = (value: (at: number) => number): Float32Array => {
    const values = new Float32Array(sizeOf(shape));
    for (let at = 0; at < values.length; at++) values[at] = value(at);
    return values;
  };
  switch (kind) {
    case 'constant':
      return new Float32Array(sizeOf(shape)).fill(a);
    case 'uniform':
      return fill(() => a + (b - a) * next());
    case 'normal':
      return fill(() => a + b * normalOf(next));
    case 'truncated':
      return fill(() => a + b * truncated(next));
    case 'scaled-uniform': {
      const edge = Math.sqrt(3 * varianceOf(initialiser, shape));
      return fill(() => edge * (2 * next() - 1));
    }
    case 'scaled-normal': {
      const deviation = Math.sqrt(varianceOf(initialiser, shape)) / CUT_DEVIATION;
      return fill(() => deviation * truncated(next));
    }
    case 'orthogonal':
      return orthogonal(shape, a, next);
    case 'identity':
      if (shape.length === 2 && shape[0] === shape[1])
        return fill((at) => (at % (shape[0]! + 1) === 0 ? a : 0));
      throw new FedaiError('BAD_MODEL', 'the initialiser identity is for square kernels', { got: shape });
  }
}
