/** The gate of relaxed SIMD: its dot product is used only on machines on which it gives the exact sums of known operands. */
import { createMachine, loadModule } from './machine.ts';

export interface Relaxed {
  /** Absent when it must not be used. */
  readonly module?: WebAssembly.Module;
  readonly refusedBecause?: string;
}

/** Rows, terms and columns: tails in every direction; 70 terms reach the largest sums of 16-bit pairs many times over. */
const SHAPES = [
  [4, 4, 8],
  [5, 70, 9],
  [13, 33, 24],
] as const;
const LEFT_MAX = 127;
const RIGHT_MAX = 63;
const MANTISSA_BYTES = 2;

type Draw = (i: number) => number;
/** Both ends together in every combination, then values in between (multiplicative steps, no randomness needed). */
const DRAWS: readonly (readonly [left: Draw, right: Draw])[] = [
  [() => LEFT_MAX, () => RIGHT_MAX],
  [() => -LEFT_MAX, () => RIGHT_MAX],
  [() => LEFT_MAX, () => -RIGHT_MAX],
  [() => -LEFT_MAX, () => -RIGHT_MAX],
  [(i) => (i & 1 ? LEFT_MAX : -LEFT_MAX), (i) => (i % 3 ? RIGHT_MAX : -RIGHT_MAX)],
  [(i) => ((i * 97) % 255) - LEFT_MAX, (i) => ((i * 61) % 127) - RIGHT_MAX],
];

/** Product of `left` [m, k] and `right` [k, n] by a module's kernels, rows of a multiple of 8. */
function multiply(
  module: WebAssembly.Module,
  [m, k, n]: readonly [number, number, number],
  left: Int16Array,
  right: Int16Array,
): Int32Array {
  const machine = createMachine(module);
  const { kernels, allocate } = machine;
  const pitch = Math.ceil(n / 8) * 8;
  const [a, b] = [allocate(left.byteLength), allocate(right.byteLength)];
  const panels = [allocate(MANTISSA_BYTES * (m + 4) * (k + 16)), allocate(MANTISSA_BYTES * pitch * (k + 4))];
  const zero = allocate(MANTISSA_BYTES * (k + 8));
  const c = allocate(4 * (m + 4) * pitch);
  machine.bytes(a, left.byteLength).set(new Uint8Array(left.buffer));
  machine.bytes(b, right.byteLength).set(new Uint8Array(right.buffer));
  kernels.packContiguous(a, MANTISSA_BYTES * k, m, k, 4, panels[0]!, zero);
  kernels.packStrided(b, MANTISSA_BYTES * n, n, k, 8, panels[1]!);
  kernels.product(panels[0]!, panels[1]!, m, k, n, k, 0, c, 4 * pitch);
  return machine.int32(c, m * pitch);
}

/** Whether each element of the product is the exact sum. */
function isExact(module: WebAssembly.Module): boolean {
  return SHAPES.every((shape) =>
    DRAWS.every(([drawLeft, drawRight]) => {
      const [m, k, n] = shape;
      const left = Int16Array.from({ length: m * k }, (_, i) => drawLeft(i));
      const right = Int16Array.from({ length: k * n }, (_, i) => drawRight(i));
      const product = multiply(module, shape, left, right);
      return product.every((value, at) => {
        const [row, column] = [Math.floor(at / (product.length / m)), at % (product.length / m)];
        if (column >= n) return value === 0;
        let sum = 0;
        for (let i = 0; i < k; i++) sum += left[row * k + i]! * right[i * n + column]!;
        return value === sum;
      });
    }),
  );
}

let loading: Promise<Relaxed> | undefined;

/** Decided once a process. Validation says nothing: there are machines whose engine accepts the instruction and errs in every lane. */
export function loadRelaxed(): Promise<Relaxed> {
  loading ??= loadModule('relaxed').then(
    (module) => (isExact(module) ? { module } : { refusedBecause: 'its products are not exact here' }),
    (cause) => ({ refusedBecause: `not supported here: ${cause instanceof Error ? cause.message : cause}` }),
  );
  return loading;
}
