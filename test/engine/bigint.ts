/**
 * An independent implementation of `bfp12@1` and `bfp8@1` in BigInt, written from docs/protocol/arithmetic.md alone: it shares no code
 * with engine/ (only the shipped table values, which the document defines by formula and the vectors' test recomputes).
 */

export interface Tensor {
  values: bigint[];
  exponent: number;
}
export interface VectorLayer {
  class_name: string;
  config?: {
    filters?: number;
    units?: number;
    kernel_size?: number[];
    strides?: number[];
    pool_size?: number[];
    padding?: string;
    activation?: string;
    use_bias?: boolean;
  };
}
export interface Tables {
  exp2: readonly number[];
  log2: readonly number[];
}
export interface Recipe {
  momentumShift: number;
  rateShift: number;
}

/** Bits of mantissas by role, and of raw inputs the low bits that are dropped. */
interface Widths {
  activation: number;
  weight: number;
  gradient: number;
  dropped: number;
  inputMax: bigint;
}
const WIDTHS: Readonly<Record<string, Widths>> = {
  'bfp12@1': { activation: 11, weight: 11, gradient: 11, dropped: 0, inputMax: 255n },
  'bfp8@1': { activation: 7, weight: 6, gradient: 6, dropped: 1, inputMax: 127n },
};
/** Of the format in use. */
let widths = WIDTHS['bfp12@1']!;
export function useFormat(numeric: string): void {
  widths = WIDTHS[numeric]!;
}
const largestOf = (width: number): bigint => 2n ** BigInt(width) - 1n;

const MAX32 = 2n ** 31n - 1n;
const abs = (x: bigint): bigint => (x < 0n ? -x : x);
function clamp(x: bigint, limit: bigint): bigint {
  if (x > limit) return limit;
  return x < -limit ? -limit : x;
}
function largest(values: bigint[]): bigint {
  let found = values[0]!;
  for (const x of values) if (x > found) found = x;
  return found;
}
const bits = (x: bigint): number => (x === 0n ? 0 : x.toString(2).length);

/** floor(x / 2^n), n ≥ 0. */
const floorShift = (x: bigint, n: number): bigint => x >> BigInt(n);
/** x / 2^n to nearest, halves upward; x · 2^−n for n < 0. */
const shiftRight = (x: bigint, n: number): bigint => {
  if (n < 0) return x << BigInt(-n);
  return n === 0 ? x : floorShift(x + (1n << BigInt(n - 1)), n);
};
const rescale = (x: bigint, n: number): bigint => clamp(shiftRight(x, n), MAX32);

function narrow({ values, exponent }: Tensor, width: number): Tensor {
  const shift = Math.max(0, bits(largest(values.map(abs))) - width);
  return {
    values: values.map((x) => clamp(shiftRight(x, shift), largestOf(width))),
    exponent: exponent + shift,
  };
}

function fold(sums: bigint[], exponent: number, terms: number, boundA: bigint, width: number): Tensor {
  const shift = Math.max(0, bits(BigInt(terms) * boundA * largestOf(width)) - 31);
  return { values: sums.map((x) => rescale(x, shift)), exponent: exponent + shift };
}

interface Shape {
  h: number;
  w: number;
  c: number;
}
const size = ({ h, w, c }: Shape): number => h * w * c;

/** A product as a list of (input, kernel, output) index triples for one sample. */
interface Linear {
  triples: [number, number, number][];
  out: Shape;
  terms: number;
  backTerms: number;
  relu: boolean;
  hasBias: boolean;
}

function axis(input: number, kernel: number, stride: number, same: boolean): { out: number; before: number } {
  if (!same) return { out: Math.floor((input - kernel) / stride) + 1, before: 0 };
  const out = Math.ceil(input / stride);
  return { out, before: Math.floor(Math.max(0, (out - 1) * stride + kernel - input) / 2) };
}

function linearOf(layer: VectorLayer, input: Shape): Linear {
  const config = layer.config!;
  const common = { relu: config.activation === 'relu', hasBias: config.use_bias! };
  const triples: [number, number, number][] = [];
  if (layer.class_name === 'Dense') {
    const [k, n] = [size(input), config.units!];
    for (let i = 0; i < k; i++) for (let o = 0; o < n; o++) triples.push([i, i * n + o, o]);
    return { triples, out: { h: 1, w: 1, c: n }, terms: k, backTerms: n, ...common };
  }
  const [kh, kw] = config.kernel_size as [number, number];
  const [sh, sw] = (config.strides ?? [1, 1]) as [number, number];
  const [n, same] = [config.filters!, config.padding === 'same'];
  const [y, x] = [axis(input.h, kh, sh, same), axis(input.w, kw, sw, same)];
  const out = { h: y.out, w: x.out, c: n };
  for (let o = 0; o < size(out); o++) {
    const [f, column, row] = [o % n, Math.floor(o / n) % out.w, Math.floor(o / n / out.w)];
    for (let t = 0; t < kh * kw * input.c; t++) {
      const [c, j, i] = [t % input.c, Math.floor(t / input.c) % kw, Math.floor(t / input.c / kw)];
      const [py, px] = [row * sh + i - y.before, column * sw + j - x.before];
      if (py < 0 || px < 0 || py >= input.h || px >= input.w) continue;
      triples.push([(py * input.w + px) * input.c + c, t * n + f, o]);
    }
  }
  return { triples, out, terms: kh * kw * input.c, backTerms: kh * kw * n, ...common };
}

/** For each output of a pooling layer the input that wins: the first largest in row-major order of its window. */
function poolWinners(
  layer: VectorLayer,
  shape: Shape,
  x: bigint[],
  batch: number,
): { winners: number[]; out: Shape } {
  const [ph, pw] = layer.config!.pool_size as [number, number];
  const out = { h: Math.floor(shape.h / ph), w: Math.floor(shape.w / pw), c: shape.c };
  const winners: number[] = [];
  for (let b = 0; b < batch; b++)
    for (let y = 0; y < out.h; y++)
      for (let column = 0; column < out.w; column++)
        for (let c = 0; c < out.c; c++) {
          const window: number[] = [];
          for (let i = 0; i < ph; i++)
            for (let j = 0; j < pw; j++)
              window.push(((b * shape.h + y * ph + i) * shape.w + column * pw + j) * shape.c + c);
          winners.push(window.reduce((best, at) => (x[at]! > x[best]! ? at : best)));
        }
  return { winners, out };
}

interface Tape {
  /** Gradient of the layer's output to the gradient of its input; stores tensor gradients. */
  back(gradient: Tensor): Tensor;
}

export interface State {
  weights: bigint[][];
  velocity: bigint[][];
}

interface Pass {
  logits: Tensor;
  tapes: Tape[];
  gradients: Tensor[];
}

function sumTriples(
  linear: Linear,
  batch: number,
  length: number,
  pick: (i: number, k: number, o: number) => [number, bigint],
  strides: { i: number; o: number },
): bigint[] {
  const sums: bigint[] = new Array<bigint>(length).fill(0n);
  for (let b = 0; b < batch; b++) {
    for (const [i, k, o] of linear.triples) {
      const [at, product] = pick(b * strides.i + i, k, b * strides.o + o);
      sums[at]! += product;
    }
  }
  return sums;
}

function linearLayer(
  linear: Linear,
  inShape: Shape,
  x: Tensor,
  kernel: bigint[],
  bias: bigint[] | undefined,
  bound: bigint,
  batch: number,
) {
  const w = narrow({ values: kernel, exponent: -24 }, widths.weight);
  const strides = { i: size(inShape), o: size(linear.out) };
  const sums = sumTriples(
    linear,
    batch,
    batch * strides.o,
    (i, k, o) => [o, x.values[i]! * w.values[k]!],
    strides,
  );
  const z = fold(sums, x.exponent + w.exponent, linear.terms, bound, widths.weight);
  const values = z.values.map((value, at) => {
    const biased = bias ? clamp(value + rescale(bias[at % linear.out.c]!, z.exponent + 24), MAX32) : value;
    return linear.relu && biased < 0n ? 0n : biased;
  });
  const output = { values, exponent: z.exponent };
  const mantissas = narrow(output, widths.activation);
  const back = (incoming: Tensor, last: boolean) => {
    const masked = incoming.values.map((g, at) =>
      linear.relu && !last && mantissas.values[at]! <= 0n ? 0n : g,
    );
    const g = { values: masked, exponent: incoming.exponent };
    const positions = batch * linear.out.h * linear.out.w;
    const dw = fold(
      sumTriples(linear, batch, kernel.length, (i, k, o) => [k, x.values[i]! * g.values[o]!], strides),
      x.exponent + g.exponent,
      positions,
      bound,
      widths.gradient,
    );
    const db: bigint[] = new Array<bigint>(linear.out.c).fill(0n);
    g.values.forEach((value, at) => {
      db[at % linear.out.c]! += value;
    });
    const dx = narrow(
      fold(
        sumTriples(linear, batch, x.values.length, (i, k, o) => [i, g.values[o]! * w.values[k]!], strides),
        g.exponent + w.exponent,
        linear.backTerms,
        largestOf(widths.gradient),
        widths.weight,
      ),
      widths.gradient,
    );
    return { dw, db: { values: db, exponent: g.exponent }, dx };
  };
  return { output, mantissas, back };
}

function forward(
  layers: VectorLayer[],
  input: number[],
  state: State,
  pixels: number[],
  batch: number,
): Pass {
  const raw = pixels.map((n) => clamp(shiftRight(BigInt(n), widths.dropped), widths.inputMax));
  let x: Tensor = { values: raw, exponent: -8 + widths.dropped };
  let shape: Shape =
    input.length === 1 ? { h: 1, w: 1, c: input[0]! } : { h: input[0]!, w: input[1]!, c: input[2] ?? 1 };
  let bound = widths.inputMax;
  let next = 0;
  const tapes: Tape[] = [];
  const gradients: Tensor[] = [];
  let logits: Tensor = x;
  for (const [index, layer] of layers.entries()) {
    const last = index === layers.length - 1;
    const before = x;
    if (layer.class_name === 'Flatten') {
      shape = { h: 1, w: 1, c: size(shape) };
    } else if (layer.class_name === 'ReLU') {
      x = { values: before.values.map((v) => (v < 0n ? 0n : v)), exponent: before.exponent };
      tapes.push({
        back: (g) => ({
          values: g.values.map((v, at) => (before.values[at]! > 0n ? v : 0n)),
          exponent: g.exponent,
        }),
      });
    } else if (layer.class_name === 'MaxPooling2D') {
      const { winners, out } = poolWinners(layer, shape, before.values, batch);
      x = { values: winners.map((at) => before.values[at]!), exponent: before.exponent };
      tapes.push({
        back: (g) => {
          const values: bigint[] = new Array<bigint>(before.values.length).fill(0n);
          winners.forEach((at, o) => {
            values[at] = g.values[o]!;
          });
          return { values, exponent: g.exponent };
        },
      });
      shape = out;
    } else {
      const linear = linearOf(layer, shape);
      const [kernelAt, biasAt] = [next, linear.hasBias ? next + 1 : -1];
      next += linear.hasBias ? 2 : 1;
      const result = linearLayer(
        linear,
        shape,
        before,
        state.weights[kernelAt]!,
        biasAt < 0 ? undefined : state.weights[biasAt]!,
        bound,
        batch,
      );
      tapes.push({
        back: (g) => {
          const { dw, db, dx } = result.back(g, last);
          gradients[kernelAt] = dw;
          if (biasAt >= 0) gradients[biasAt] = db;
          return dx;
        },
      });
      logits = result.output;
      x = result.mantissas;
      bound = largestOf(widths.activation);
      shape = linear.out;
    }
  }
  return { logits, tapes, gradients };
}

/** Probabilities − one-hot at 2^−20, and the sum of losses at 2^−16. */
function softmax(logits: Tensor, labels: number[], tables: Tables): { gradient: Tensor; loss: bigint } {
  const classes = logits.values.length / labels.length;
  const limit = 2n ** 21n;
  let loss = 0n;
  const values: bigint[] = [];
  labels.forEach((label, row) => {
    const z = logits.values.slice(row * classes, (row + 1) * classes);
    const top = largest(z);
    const u = z.map((value) => {
      const product = (top - value) * 94548n;
      const octaves =
        logits.exponent >= 0
          ? product << BigInt(Math.min(logits.exponent, 64))
          : floorShift(product, -logits.exponent);
      return octaves > limit ? limit : octaves;
    });
    const e = u.map((octaves) => {
      const [whole, k, r] = [octaves >> 16n, Number((octaves >> 8n) & 255n), octaves & 255n];
      const between = (BigInt(tables.exp2[k]!) * (256n - r) + BigInt(tables.exp2[k + 1]!) * r) >> 8n;
      return between >> whole;
    });
    const sum = e.reduce((a, b) => a + b);
    const whole = bits(sum) - 1;
    const fraction = ((sum - (1n << BigInt(whole))) << 16n) >> BigInt(whole);
    const [k, r] = [Number(fraction >> 8n), fraction & 255n];
    const log2 =
      BigInt(whole - 20) * 65536n +
      ((BigInt(tables.log2[k]!) * (256n - r) + BigInt(tables.log2[k + 1]!) * r) >> 8n);
    loss += ((u[label]! + log2) * 45426n) >> 16n;
    e.forEach((value, j) => {
      values.push(((value << 20n) + sum / 2n) / sum - (j === label ? 1n << 20n : 0n));
    });
  });
  return { gradient: narrow({ values, exponent: -20 }, widths.gradient), loss };
}

/** One training step; returns the new state and the mean loss at 2^−16. */
export function step(
  layers: VectorLayer[],
  input: number[],
  state: State,
  pixels: number[],
  labels: number[],
  recipe: Recipe,
  tables: Tables,
): { state: State; loss: bigint } {
  const pass = forward(layers, input, state, pixels, labels.length);
  const { gradient, loss } = softmax(pass.logits, labels, tables);
  let g = gradient;
  for (const tape of [...pass.tapes].reverse()) g = tape.back(g);
  const logBatch = Math.log2(labels.length);
  const velocity = state.velocity.map((tensor, t) =>
    tensor.map((v, i) => {
      const { values, exponent } = pass.gradients[t]!;
      return clamp(
        v - shiftRight(v, recipe.momentumShift) + rescale(values[i]!, -24 - exponent + logBatch),
        MAX32,
      );
    }),
  );
  const weights = state.weights.map((tensor, t) =>
    tensor.map((w, i) => clamp(w - shiftRight(velocity[t]![i]!, recipe.rateShift), MAX32)),
  );
  return { state: { weights, velocity }, loss: shiftRight(loss, logBatch) };
}

/** Logits of one sample at 2^−16. */
export function predict(layers: VectorLayer[], input: number[], state: State, pixels: number[]): bigint[] {
  const { logits } = forward(layers, input, state, pixels, 1);
  return logits.values.map((z) => rescale(z, -16 - logits.exponent));
}
