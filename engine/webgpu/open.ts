/** Finds WebGPU: the browser's, or in Node that of the package `webgpu`, which is optional. */
import { FedaiError } from '../../core/index.ts';
import { type Device, openDevice } from './device.ts';

/** Not a literal in the import: bundlers would look for it, and a browser has its own. */
const PACKAGE = 'webgpu';

const absent = (why: string, cause?: unknown): FedaiError =>
  new FedaiError(
    'NO_DEVICE',
    why,
    {},
    { remedy: 'install a Vulkan, Metal or Direct3D 12 driver, or use the wasm engine', cause },
  );

/** Every kernel sets its workgroup memory itself; having it cleared first costs software drivers a second for each kernel to compile. */
const OPTIONS = ['enable-dawn-features=disable_workgroup_init'];

/** Node's object lives as long as the process: Dawn ends with the last reference. */
let ofNode: Promise<GPU> | undefined;

async function loadPackage(): Promise<GPU> {
  try {
    const { create } = (await import(PACKAGE)) as { create(options: string[]): GPU };
    return create(OPTIONS);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw absent(`the package ${PACKAGE} cannot be loaded: ${message.split('\n')[0]}`, cause);
  }
}

function findGpu(): Promise<GPU> {
  const own = globalThis.navigator?.gpu;
  if (own) return Promise.resolve(own);
  if (!globalThis.process?.versions?.node)
    return Promise.reject(absent('this browser has no WebGPU, or it is switched off'));
  ofNode ??= loadPackage();
  return ofNode;
}

/** The strongest adapter of this machine. Throws `NO_DEVICE`. */
export async function findDevice(): Promise<Device> {
  const gpu = await findGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw absent('no graphics adapter is found');
  return openDevice(gpu, adapter);
}
