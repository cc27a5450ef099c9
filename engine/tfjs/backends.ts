/** The backends of TensorFlow.js that this machine has, and which of them trains a model: the first that gets through a step of it. */
import { FedaiError } from '../../core/index.ts';
import { mayHaveDevice } from '../webgpu/choose.ts';
import { type Core, fileOf, type Layers, type Library, load, loadLibrary } from './library.ts';
import { createSession, type SessionOptions, type TfjsSession } from './session.ts';
import { registerWasmKernels } from './wasmKernels.ts';
import { openWebgpu } from './webgpu.ts';

/** Fastest first. The two of TensorFlow itself are there when the user has installed their packages. */
export const BACKENDS = ['tensorflow-gpu', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

interface Opened {
  readonly library: Library;
  /** Name of the graphics adapter. */
  readonly adapter?: string;
}

async function use(library: Library, name: string): Promise<Library> {
  // A backend that cannot start answers false, and TensorFlow.js goes on with another in silence.
  const started = await library.core.setBackend(name);
  if (started && library.core.getBackend() === name) return library;
  throw new FedaiError('NO_BACKEND', `TensorFlow.js cannot start ${name} here`, { backend: name });
}

async function openNative(name: string): Promise<Opened> {
  const whole = load<Core & Layers>(name);
  return { library: await use({ core: whole, layers: whole }, 'tensorflow') };
}

/** Its glue code takes the process's last errors into its own hands; they are for the command to report. */
async function withoutHandlers<T>(work: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'exit')));
  const result = await work();
  for (const [i, event] of events.entries())
    for (const listener of process.listeners(event as 'exit'))
      if (!before[i]!.has(listener)) process.removeListener(event, listener);
  return result;
}

async function openWasm(): Promise<Opened> {
  const library = loadLibrary();
  const name = '@tensorflow/tfjs-backend-wasm';
  const { setWasmPaths } = load<{ setWasmPaths(folder: string): void }>(name);
  setWasmPaths(fileOf(`${name}/dist/tfjs-backend-wasm.wasm`).replace(/[^/\\]*$/, ''));
  registerWasmKernels(library.core);
  return { library: await withoutHandlers(() => use(library, 'wasm')) };
}

async function openCpu(): Promise<Opened> {
  const library = loadLibrary();
  load('@tensorflow/tfjs-backend-cpu');
  return { library: await use(library, 'cpu') };
}

async function openGraphics(allowSoftware: boolean): Promise<Opened> {
  if (!allowSoftware && !mayHaveDevice())
    throw new FedaiError('NO_BACKEND', 'this machine names no graphics driver', { backend: 'webgpu' });
  const library = loadLibrary();
  const adapter = await openWebgpu(allowSoftware);
  load('@tensorflow/tfjs-backend-webgpu');
  return { library: await use(library, 'webgpu'), adapter };
}

function open(name: BackendName, asked: boolean): Promise<Opened> {
  switch (name) {
    case 'tensorflow-gpu':
      return openNative('@tensorflow/tfjs-node-gpu');
    case 'tensorflow':
      return openNative('@tensorflow/tfjs-node');
    case 'webgpu':
      return openGraphics(asked);
    case 'wasm':
      return openWasm();
    case 'cpu':
      return openCpu();
  }
}

export interface BackendReport {
  readonly backend: BackendName;
  readonly available: boolean;
  readonly adapter?: string;
  readonly refusedBecause?: string;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Never throws: what is missing is said. */
export async function checkBackends(): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const backend of BACKENDS) {
    try {
      const { adapter } = await open(backend, false);
      reports.push({ backend, available: true, ...(adapter !== undefined && { adapter }) });
    } catch (error) {
      reports.push({ backend, available: false, refusedBecause: reasonOf(error) });
    }
  }
  return reports;
}

export interface PassedOver {
  readonly backend: BackendName;
  /** Whether it was there, and failed at a step of the model. */
  readonly tried: boolean;
  readonly reason: string;
}

export interface Training {
  readonly session: TfjsSession;
  readonly backend: BackendName;
  readonly adapter?: string;
  /** Backends before it in the list. */
  readonly passedOver: readonly PassedOver[];
}

/** Errors of the document, which no other backend mends. */
const OF_DOCUMENT = ['BAD_MODEL', 'BAD_RECIPE', 'UNSUPPORTED_TFJS'];

async function tryStep(library: Library, options: SessionOptions): Promise<void> {
  const session = await createSession(library, options);
  try {
    const { batchSize } = options.recipe;
    await session.step({
      inputs: new Uint8Array(batchSize * session.inputSize),
      labels: new Uint8Array(batchSize),
    });
  } finally {
    session.dispose();
  }
}

/** What a backend throws in the midst of a run: a device that is lost, memory that is not there. */
function guarded(session: TfjsSession, backend: BackendName): TfjsSession {
  const step: TfjsSession['step'] = async (batch) => {
    try {
      return await session.step(batch);
    } catch (cause) {
      if (cause instanceof FedaiError) throw cause;
      throw new FedaiError(
        'BACKEND_FAILED',
        `TensorFlow.js failed on ${backend}: ${reasonOf(cause)}`,
        { backend },
        { cause, remedy: 'go on with --resume and another --backend, or use a smaller batchSize' },
      );
    }
  };
  return Object.create(session, { step: { value: step } });
}

/** Opens the first backend that trains this model, or the one that is asked for. Throws `NO_TFJS`, `NO_BACKEND` and errors of the document. */
export async function openTraining(
  options: SessionOptions & { readonly backend?: BackendName | 'auto' },
): Promise<Training> {
  const { backend: wanted = 'auto' } = options;
  const passedOver: PassedOver[] = [];
  let last: unknown;
  for (const backend of wanted === 'auto' ? BACKENDS : [wanted]) {
    let tried = false;
    try {
      const { library, adapter } = await open(backend, wanted !== 'auto');
      tried = true;
      await tryStep(library, options);
      const session = guarded(await createSession(library, options), backend);
      return { session, backend, passedOver, ...(adapter !== undefined && { adapter }) };
    } catch (error) {
      if (error instanceof FedaiError && OF_DOCUMENT.includes(error.code)) throw error;
      last = error;
      passedOver.push({ backend, tried, reason: reasonOf(error) });
    }
  }
  if (last instanceof FedaiError) throw last;
  throw new FedaiError(
    'NO_BACKEND',
    `TensorFlow.js cannot train this model here: ${reasonOf(last)}`,
    { passedOver },
    { cause: last, remedy: 'change the layer that it names, or install @tensorflow/tfjs-node' },
  );
}
