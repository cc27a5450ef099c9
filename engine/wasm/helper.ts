/** A helper thread of a team: sleeps until a call is described, takes pieces of it, leaves. Owns no arithmetic. */
import { CONTROL, type Exports, kernelNames, type MachineMail, SPINS, workOff } from './team.ts';

const threads = globalThis.process.getBuiltinModule('node:worker_threads');
const control = threads.workerData as Int32Array;
const machines = new Map<number, { kernels: Exports; names: readonly string[] }>();

/** Machines that have come or gone since the last look. */
function readMail(): void {
  for (;;) {
    const received = threads.receiveMessageOnPort(threads.parentPort!);
    if (!received) return;
    const { id, module, memory, scratch } = received.message as MachineMail;
    if (!module) {
      machines.delete(id);
      continue;
    }
    const kernels = new WebAssembly.Instance(module, { env: { memory: memory! } })
      .exports as unknown as Exports;
    kernels.useScratch!(scratch!);
    machines.set(id, { kernels, names: kernelNames(kernels) });
  }
}

/** Joins the present call unless it is being rewritten; the caller rewrites nothing while a helper is inside. */
function join(): void {
  Atomics.add(control, CONTROL.inside, 1);
  if (Atomics.load(control, CONTROL.open)) {
    const id = control[CONTROL.machine]!;
    if (!machines.has(id)) readMail();
    const machine = machines.get(id);
    if (machine) workOff(control, machine.kernels, machine.names);
  }
  if (Atomics.sub(control, CONTROL.inside, 1) === 1) Atomics.notify(control, CONTROL.inside);
}

let seen = 0;
for (;;) {
  for (let spin = 0; spin < SPINS && Atomics.load(control, CONTROL.generation) === seen; spin++);
  Atomics.wait(control, CONTROL.generation, seen);
  seen = Atomics.load(control, CONTROL.generation);
  join();
}
