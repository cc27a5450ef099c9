/**
 * TensorFlow.js as far as this folder uses it, and where it is found. Its packages are optional, so that neither their code
 * nor their types can be imported by name.
 */
import { createRequire } from 'node:module';
import { FedaiError } from '../../core/index.ts';

export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  dispose(): void;
}

export interface Variable extends Tensor {
  readonly isDisposed: boolean;
  readonly name: string;
  assign(value: Tensor): void;
}

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;
type Reduce = (x: Tensor, axis?: number | readonly number[], keepDims?: boolean) => Tensor;

/** `@tensorflow/tfjs-core`. */
export interface Core {
  readonly serialization: { registerClass(type: unknown): void };
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  ready(): Promise<void>;
  tidy<T>(work: () => T): T;
  keep<T extends Tensor>(tensor: T): T;
  variable(value: Tensor, trainable?: boolean): Variable;
  variableGrads(
    loss: () => Tensor,
    of: readonly Variable[],
  ): { value: Tensor; grads: Record<string, Tensor | undefined> };
  tensor(values: Float32Array | Int32Array, shape: readonly number[], dtype?: string): Tensor;
  scalar(value: number): Tensor;
  zeros(shape: readonly number[]): Tensor;
  oneHot(indices: Tensor, depth: number): Tensor;
  clipByValue(x: Tensor, least: number, most: number): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  argMax(x: Tensor, axis: number): Tensor;
  logSoftmax(x: Tensor): Tensor;
  log: Unary;
  neg: Unary;
  sqrt: Unary;
  square: Unary;
  softplus: Unary;
  add: Binary;
  sub: Binary;
  mul: Binary;
  div: Binary;
  sum: Reduce;
  mean: Reduce;
}

/** A weight of a layer; writing keeps its constraint. */
export interface LayerVariable {
  /** Without what TensorFlow.js adds to a name that it has seen before. */
  readonly originalName: string;
  readonly shape: readonly number[];
  read(): Variable;
  write(value: Tensor): unknown;
}

interface Symbolic {
  readonly shape: readonly (number | null)[];
  readonly sourceLayer?: SourceLayer;
}

/** A layer as far as it tells what its output means. */
export interface SourceLayer {
  getClassName(): string;
  readonly activation?: { getClassName(): string };
  /** Of a wrapper. */
  readonly layer?: SourceLayer;
  /** Of a model within a model. */
  readonly outputs?: readonly Symbolic[];
}

export interface LayersModel {
  readonly inputs: readonly Symbolic[];
  readonly outputs: readonly Symbolic[];
  readonly layers: readonly { readonly name: string; readonly outputShape: unknown }[];
  readonly weights: readonly LayerVariable[];
  readonly trainableWeights: readonly LayerVariable[];
  apply(x: Tensor, how: { training: boolean }): Tensor;
  /** Regularisation terms. */
  calculateLosses(): Tensor[];
  dispose(): unknown;
}

/** `@tensorflow/tfjs-layers`. */
export interface Layers {
  readonly models: { modelFromJSON(json: unknown): Promise<LayersModel> };
}

export interface Library {
  readonly core: Core;
  readonly layers: Layers;
}

const require = createRequire(import.meta.url);

export const fileOf = (file: string): string => require.resolve(file);

/** Throws `NO_TFJS` with what is missing. */
export function load<T>(name: string): T {
  try {
    return require(name) as T;
  } catch (cause) {
    const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    const isMissing = (cause as NodeJS.ErrnoException | null)?.code === 'MODULE_NOT_FOUND';
    throw new FedaiError(
      'NO_TFJS',
      isMissing ? `the package ${name} is not installed` : `the package ${name} cannot be loaded: ${line}`,
      { package: name },
      { cause, remedy: 'run `npm install` without --omit=optional, or `npm install @tensorflow/tfjs-node`' },
    );
  }
}

/** TensorFlow.js without native code. Throws `NO_TFJS`. */
export function loadLibrary(): Library {
  const core = load<Core>('@tensorflow/tfjs-core');
  const layers = load<Layers>('@tensorflow/tfjs-layers');
  // Else it prints a notice that a faster backend could be installed.
  core.enableProdMode();
  return { core, layers };
}
