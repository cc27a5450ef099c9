/** One WebGPU device with its compiled kernels, its buffers' sizes and its end. Owns no model and no arithmetic. */
import { FedaiError } from '../../core/index.ts';
import { KERNELS } from './wgsl/kernels.ts';
import { type ProductVariant, productName, productSource } from './wgsl/products.ts';

/** What a user is told of an adapter: no serial number is in it. */
export interface Adapter {
  readonly name: string;
  /** Runs on the processor: exact, and slower than the WebAssembly kernels. */
  readonly software: boolean;
}

export interface Device {
  readonly gpu: GPUDevice;
  readonly adapter: Adapter;
  /** Products of 8-bit operands go four at a time. */
  readonly packed: boolean;
  pipeline(name: string): GPUComputePipeline;
  /** Throws `DEVICE_LOST` when the device is gone, `DEVICE_FAILED` when it refused something since the last look. */
  check(): void;
  /** As an error of this device: what a call of it threw. */
  asFault(cause: unknown): FedaiError;
  close(): void;
}

const PACKED_FEATURE = 'packed_4x8_integer_dot_product';

/** Sums of 8-bit products fit int32 up to a quarter of a million terms: longer ones do without the packed kernel. */
const VARIANTS: readonly ProductVariant[] = [
  { kind: 'windows', long: false, packed: false },
  { kind: 'windows', long: true, packed: false },
  { kind: 'positions', long: false, packed: false },
  { kind: 'windows', long: false, packed: true },
  { kind: 'positions', long: false, packed: true },
];

const sources = (packed: boolean): [name: string, source: string][] => [
  ...Object.entries(KERNELS),
  ...VARIANTS.filter((variant) => packed || !variant.packed).map((variant): [string, string] => [
    productName(variant),
    productSource(variant),
  ]),
];

async function compile(gpu: GPUDevice, packed: boolean): Promise<Map<string, GPUComputePipeline>> {
  const compiled = sources(packed).map(async ([name, code]): Promise<[string, GPUComputePipeline]> => {
    const module = gpu.createShaderModule({ label: name, code });
    const pipeline = await gpu.createComputePipelineAsync({
      label: name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    return [name, pipeline];
  });
  return new Map(await Promise.all(compiled));
}

const nameOf = ({ description, vendor, architecture, device }: GPUAdapterInfo): string =>
  description || [vendor, architecture, device].filter(Boolean).join(' ') || 'unnamed adapter';

/** The largest buffers that the adapter gives: a batch of activations may need them. */
const limitsOf = ({ limits }: GPUAdapter): Record<string, number> => ({
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxBufferSize: limits.maxBufferSize,
});

const lostError = (adapter: string, reason: string): FedaiError =>
  new FedaiError(
    'DEVICE_LOST',
    'the graphics device is gone',
    { adapter, reason },
    { transient: true, remedy: 'go on with the wasm engine, or start again' },
  );

/** Opens the adapter's device and compiles every kernel; rejects where one cannot be compiled. */
export async function openDevice(root: GPU, adapter: GPUAdapter): Promise<Device> {
  const about: Adapter = { name: nameOf(adapter.info), software: adapter.info.isFallbackAdapter };
  const gpu = await adapter.requestDevice({ requiredLimits: limitsOf(adapter) });
  let lost: string | undefined;
  let failed: string | undefined;
  void gpu.lost.then(({ reason, message }) => {
    lost = reason === 'destroyed' ? 'closed' : message || 'unknown';
  });
  gpu.addEventListener('uncapturederror', (event) => {
    failed ??= event.error.message;
  });
  const packed = root.wgslLanguageFeatures.has(PACKED_FEATURE);
  const pipelines = await compile(gpu, packed);
  const device: Device = {
    gpu,
    adapter: about,
    packed,
    pipeline(name) {
      const found = pipelines.get(name);
      if (!found) throw new FedaiError('NO_PIPELINE', 'no such kernel of the device', { name });
      return found;
    },
    check() {
      if (lost !== undefined) throw lostError(about.name, lost);
      if (failed === undefined) return;
      const reason = failed;
      failed = undefined;
      throw new FedaiError(
        'DEVICE_FAILED',
        'the graphics device refused an operation',
        { adapter: about.name, reason },
        { remedy: 'use a smaller batch, or the wasm engine' },
      );
    },
    asFault(cause) {
      if (cause instanceof FedaiError) return cause;
      return lostError(about.name, lost ?? (cause instanceof Error ? cause.message : String(cause)));
    },
    close: () => gpu.destroy(),
  };
  return device;
}
