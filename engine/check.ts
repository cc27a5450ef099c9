/** Which kernels this machine admits, and how fast each trains a small model: what `fedai engine check` prints. */
import { utf8 } from '../core/index.ts';
import { type NumericFormat, numericFormats } from './arithmetic/format.ts';
import type { TrainingRecipe } from './document.ts';
import type { Batch, Kernel } from './engine.ts';
import { parseModel, parseRecipe } from './model.ts';
import { referenceKernel } from './reference/kernel.ts';
import { initialState } from './state/state.ts';
import { findMismatch } from './wasm/admit.ts';
import { findGraphMismatch } from './wasm/admitGraphs.ts';
import { loadWasmKernel } from './wasm/kernel.ts';
import { loadRelaxed } from './wasm/relaxed.ts';
import { deviceOf } from './webgpu/choose.ts';

export interface KernelReport {
  readonly kernel: 'reference' | 'wasm' | 'wasm-relaxed' | 'webgpu';
  /** Name of the graphics adapter. */
  readonly adapter?: string;
  readonly threads: number;
  readonly admitted: boolean;
  /** Why not, when it is not. */
  readonly refusedBecause?: string;
  /** Training steps of a 784-256-10 network, 64 samples a batch, on formats that this kernel is used for. */
  readonly samplesPerSecond: Partial<Record<NumericFormat, number>>;
}

const BATCH = 64;
/** Long enough for the compiler of the runtime to have done its work; the best of the slices counts. */
const SLICE_MS = 100;
const SLICES = 5;

const recipe: TrainingRecipe = {
  loss: 'sparse_categorical_crossentropy',
  optimizer: { class_name: 'SGD', config: { momentumShift: 3, learningRateShifts: [6], boundaries: [] } },
  batchSize: BATCH,
};

function speed(kernel: Kernel, numeric: NumericFormat, slices: number): number {
  const model = parseModel({
    format: 'fedai-model/1',
    numeric,
    input: [784],
    layers: [
      { class_name: 'Dense', config: { units: 256, activation: 'relu', use_bias: true } },
      { class_name: 'Dense', config: { units: 10, activation: 'softmax', use_bias: true } },
    ],
  });
  const trainer = kernel.trainer(model, parseRecipe(recipe, model), initialState(model, utf8('check')));
  const batch: Batch = {
    inputs: Uint8Array.from({ length: BATCH * model.inputSize }, (_, i) => (i * 97) & 255),
    labels: Uint8Array.from({ length: BATCH }, (_, i) => i % 10),
  };
  let best = 0;
  for (let slice = 0; slice < slices; slice++) {
    const started = performance.now();
    let steps = 0;
    do {
      trainer.step(batch);
      steps++;
    } while (performance.now() - started < SLICE_MS);
    best = Math.max(best, (steps * BATCH * 1000) / (performance.now() - started));
  }
  return Math.round(best);
}

async function checkWasm(
  kernel: 'wasm' | 'wasm-relaxed',
  threads: number,
  formats: readonly NumericFormat[],
): Promise<KernelReport> {
  const refused = (refusedBecause: string): KernelReport => ({
    kernel,
    threads,
    admitted: false,
    refusedBecause,
    samplesPerSecond: {},
  });
  try {
    const { refusedBecause } = kernel === 'wasm' ? {} : await loadRelaxed();
    if (refusedBecause) return refused(refusedBecause);
    const loaded = await loadWasmKernel({ relaxed: kernel === 'wasm-relaxed', threads });
    const mismatch = findMismatch(loaded) ?? findGraphMismatch(loaded);
    if (mismatch) return refused(mismatch);
    const speeds = formats.map((numeric) => [numeric, speed(loaded, numeric, SLICES)]);
    return { kernel, threads, admitted: true, samplesPerSecond: Object.fromEntries(speeds) };
  } catch (cause) {
    return refused(cause instanceof Error ? cause.message : String(cause));
  }
}

async function checkDevice(): Promise<KernelReport> {
  const device = await deviceOf();
  const about = { kernel: 'webgpu', threads: 1 } as const;
  if ('error' in device) {
    const { message, data, remedy } = device.error;
    const adapter = typeof data.adapter === 'string' ? { adapter: data.adapter } : {};
    const refusedBecause = remedy === undefined ? message : `${message}; ${remedy}`;
    return { ...about, ...adapter, admitted: false, refusedBecause, samplesPerSecond: {} };
  }
  const { kernel } = device;
  const slices = kernel.adapter.software ? 1 : SLICES;
  const speeds = numericFormats.map((numeric) => [numeric, speed(kernel, numeric, slices)]);
  const samplesPerSecond = Object.fromEntries(speeds);
  return { ...about, adapter: kernel.adapter.name, admitted: true, samplesPerSecond };
}

/** Checks every kernel with one thread and, where `threads` is larger, with so many, and the graphics device. Takes some seconds. */
export async function checkKernels(threads: number): Promise<KernelReport[]> {
  const reference = numericFormats.map((numeric) => [numeric, speed(referenceKernel, numeric, 1)]);
  const reports: KernelReport[] = [
    { kernel: 'reference', threads: 1, admitted: true, samplesPerSecond: Object.fromEntries(reference) },
  ];
  for (const count of new Set([1, threads])) {
    reports.push(await checkWasm('wasm', count, numericFormats));
    reports.push(await checkWasm('wasm-relaxed', count, ['bfp8@1']));
  }
  reports.push(await checkDevice());
  return reports;
}
