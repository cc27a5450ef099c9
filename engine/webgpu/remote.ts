/**
 * A graphics device as a kernel like any other, in Node: a thread of its own drives the device, and the caller of a step sleeps until
 * its loss is there. Owns no arithmetic.
 */
import { FedaiError } from '../../core/index.ts';
import type { Kernel, Trainer } from '../engine.ts';
import type { Adapter } from './device.ts';
import type { Answer, Fault, Opened, Request, Results, ThreadData } from './protocol.ts';

export interface RemoteKernel extends Kernel {
  readonly name: 'webgpu';
  readonly adapter: Adapter;
}

/** A step that takes longer means a driver that hangs. */
const ANSWER_MS = 300_000;

const errorOf = ({ code, message, data, transient, remedy }: Fault): FedaiError =>
  new FedaiError(code, message, { ...data }, { transient, ...(remedy === undefined ? {} : { remedy }) });

const noThreads = (): FedaiError =>
  new FedaiError('NO_THREADS', 'this runtime has no worker threads', {}, { remedy: 'use the wasm engine' });

const gone = (reason: string): FedaiError =>
  new FedaiError(
    'DEVICE_LOST',
    'the graphics device is gone',
    { reason },
    { transient: true, remedy: 'go on with the wasm engine, or start again' },
  );

/** Absent in browsers, and so no import. */
const workerThreads = () => globalThis.process?.getBuiltinModule?.('node:worker_threads');
type Threads = NonNullable<ReturnType<typeof workerThreads>>;
type Port = InstanceType<Threads['MessageChannel']>['port1'];

/** Sends a request and sleeps until it is answered. */
type Call = <Type extends Request['type']>(request: Extract<Request, { type: Type }>) => Results[Type];

function createCall(threads: Threads, signal: Int32Array, port: Port): Call {
  let dead = false;
  return (request) => {
    if (dead) throw gone('no answer');
    Atomics.store(signal, 0, 0);
    port.postMessage(request);
    dead = Atomics.wait(signal, 0, 0, ANSWER_MS) === 'timed-out';
    if (dead) throw gone('no answer');
    const answer = threads.receiveMessageOnPort(port)?.message as Answer | undefined;
    if (!answer) throw gone('an empty answer');
    if ('fault' in answer) throw errorOf(answer.fault);
    return answer.value as Results[typeof request.type];
  };
}

function createKernel(adapter: Adapter, call: Call): RemoteKernel {
  const collected = new FinalizationRegistry<number>((session) => {
    try {
      call({ type: 'close', session });
    } catch {
      // What is gone needs no closing.
    }
  });
  return {
    name: 'webgpu',
    adapter,
    trainer({ document }, recipe, state) {
      const session = call({ type: 'train', document, recipe, state });
      const trainer: Trainer = {
        step: ({ inputs, labels }) => call({ type: 'step', session, batch: { inputs, labels } }),
        export: () => call({ type: 'export', session }),
        load: (next) => call({ type: 'load', session, state: next }),
        close() {
          collected.unregister(trainer);
          call({ type: 'close', session });
        },
      };
      collected.register(trainer, session, trainer);
      return trainer;
    },
    predict: ({ document }, weights, inputs, count) =>
      call({ type: 'predict', document, weights, inputs, count }),
  };
}

/** Starts the thread; resolves once its device is admitted. Rejects with `NO_DEVICE` or `KERNEL_REFUSED` and the reason. */
export async function loadRemoteKernel(): Promise<RemoteKernel> {
  const threads = workerThreads();
  if (!threads) throw noThreads();
  const { port1, port2 } = new threads.MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const thread = new threads.Worker(new URL('./thread.ts', import.meta.url), {
    workerData: { signal, port: port2 } as unknown as ThreadData,
    transferList: [port2],
  });
  const opened = await new Promise<Opened>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', (cause) => reject(gone(cause instanceof Error ? cause.message : String(cause))));
    thread.once('exit', () => reject(gone('its thread has ended')));
  });
  thread.removeAllListeners('error');
  // A later fault of the thread is told by the call that gets no answer.
  thread.on('error', () => undefined);
  thread.unref();
  if ('fault' in opened) {
    await thread.terminate();
    throw errorOf(opened.fault);
  }
  return createKernel(opened.adapter, createCall(threads, signal, port1));
}
