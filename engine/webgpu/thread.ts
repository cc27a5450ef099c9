/** The thread that owns a device in Node: it opens and admits it, then answers one request after the other. */
import { FedaiError } from '../../core/index.ts';
import { parseModel } from '../model.ts';
import { type DeviceKernel, openDeviceKernel } from './kernel.ts';
import type { Answer, Fault, Opened, Request, ThreadData } from './protocol.ts';
import type { DeviceTrainer } from './session.ts';

const threads = globalThis.process.getBuiltinModule('node:worker_threads');
const { signal, port } = threads.workerData as ThreadData;

function faultOf(error: unknown): Fault {
  if (error instanceof FedaiError) {
    const { code, message, data, transient, remedy } = error;
    return { code, message, data, transient, remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'DEVICE_FAILED', message, data: {}, transient: false, remedy: 'use the wasm engine' };
}

/** One request at a time: the caller sleeps meanwhile. */
function serve(kernel: DeviceKernel): void {
  const sessions = new Map<number, DeviceTrainer>();
  let made = 0;
  const sessionOf = (id: number): DeviceTrainer => {
    const session = sessions.get(id);
    if (!session) throw new FedaiError('NO_SESSION', 'no such training session', { id });
    return session;
  };
  const answer = async (request: Request): Promise<unknown> => {
    switch (request.type) {
      case 'train':
        sessions.set(++made, kernel.trainer(parseModel(request.document), request.recipe, request.state));
        return made;
      case 'step':
        return sessionOf(request.session).step(request.batch);
      case 'export':
        return sessionOf(request.session).export();
      case 'load':
        return sessionOf(request.session).load(request.state);
      case 'close':
        sessionOf(request.session).close();
        sessions.delete(request.session);
        return undefined;
      case 'predict': {
        const { document, weights, inputs, count } = request;
        return kernel.predict(parseModel(document), weights, inputs, count);
      }
    }
  };
  const reply = (message: Answer): void => {
    port.postMessage(message);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
  port.onmessage = ({ data }: MessageEvent<Request>) => {
    answer(data).then(
      (value) => reply({ value }),
      (error: unknown) => reply({ fault: faultOf(error) }),
    );
  };
}

openDeviceKernel().then(
  (kernel) => {
    serve(kernel);
    threads.parentPort!.postMessage({ adapter: kernel.adapter } satisfies Opened);
  },
  (error: unknown) => {
    port.close();
    threads.parentPort!.postMessage({ fault: faultOf(error) } satisfies Opened);
  },
);
