/** Puts the graphics device where TensorFlow.js looks for it: `navigator.gpu`, through the optional package `webgpu` in Node. */
import { FedaiError } from '../../core/index.ts';
import { load } from './library.ts';

const noDevice = (why: string): FedaiError => new FedaiError('NO_BACKEND', why, { backend: 'webgpu' });

/** Kept as long as the process: Dawn ends with the last reference. */
let gpu: GPU | undefined;

/** Name of the adapter. Throws `NO_BACKEND`, or `NO_TFJS` where the package is missing. */
export async function openWebgpu(allowSoftware: boolean): Promise<string> {
  gpu ??= globalThis.navigator?.gpu ?? fromPackage();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw noDevice('no graphics adapter is found');
  const { info } = adapter;
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed';
  if (info.isFallbackAdapter && !allowSoftware)
    throw noDevice(`${name} runs on the processor, where wasm is faster`);
  return name;
}

function fromPackage(): GPU {
  const { create, globals } = load<{ create(options: string[]): GPU; globals: object }>('webgpu');
  Object.assign(globalThis, globals);
  const created = create([]);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: created, configurable: true });
  return created;
}
