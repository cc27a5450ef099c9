/** Numeric formats: how wide the operands of products are. A name fixes every bit of a step for ever; a change is a new name. */

export const numericFormats = ['bfp12@1', 'bfp8@1'] as const;
export type NumericFormat = (typeof numericFormats)[number];

/** Widths in bits of magnitude, without sign. */
export interface FormatSpec {
  readonly name: NumericFormat;
  /** Activations: the first operand of the forward product and of the kernel gradient. */
  readonly activationBits: number;
  /** Kernels, narrowed from their masters. */
  readonly weightBits: number;
  readonly gradientBits: number;
  /** Raw u8 inputs lose this many low bits, to nearest, so that they fit an activation. */
  readonly inputShift: number;
  /** Largest mantissa of a raw input. */
  readonly inputMax: number;
}

export const FORMATS: Readonly<Record<NumericFormat, FormatSpec>> = {
  /** 2047² · 512 < 2^31: int32 sums hold 512 products. */
  'bfp12@1': {
    name: 'bfp12@1',
    activationBits: 11,
    weightBits: 11,
    gradientBits: 11,
    inputShift: 0,
    inputMax: 255,
  },
  /** One operand of every product (kernel or gradient) lies in −63 … 63, so that the relaxed 8 × 7 bit dot is exact on it plus 64. */
  'bfp8@1': {
    name: 'bfp8@1',
    activationBits: 7,
    weightBits: 6,
    gradientBits: 6,
    inputShift: 1,
    inputMax: 127,
  },
};

/** Largest magnitude of a mantissa of `bits` bits: symmetric, so that negation never overflows. */
export const largest = (bits: number): number => 2 ** bits - 1;
