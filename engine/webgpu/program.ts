/** A fixed list of kernel calls on buffers of its own: made once for a model, encoded anew for each step. */

import type { Device } from './device.ts';
import { GROUP } from './wgsl/integers.ts';

/** WebGPU's flags, whose globals Node does not have. */
const USAGE = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;
/** Of each dimension of a call. */
export const MAX_WORKGROUPS = 65_535;

type Call =
  | { readonly pipeline: GPUComputePipeline; readonly group: GPUBindGroup; readonly size: readonly number[] }
  | { readonly clear: GPUBuffer };

/** Workgroups of a kernel whose invocations take several elements each, so that its barriers and its atomics are fewer. */
export const severalEach = (size: number): number => Math.min(MAX_WORKGROUPS, Math.ceil(size / (4 * GROUP)));

/** Workgroups of a kernel that has one for each row: more rows than one dimension holds go on in the second. */
export const rowGroups = (rows: number): number[] => [
  Math.min(rows, MAX_WORKGROUPS),
  Math.ceil(rows / MAX_WORKGROUPS),
];

export interface Program {
  /** Zeros, for values of 4 bytes. */
  buffer(values: number): GPUBuffer;
  filled(values: Int32Array | Uint32Array): GPUBuffer;
  /** Buffer that the processor reads. */
  staging(values: number): GPUBuffer;
  /** A call over `parameters.size` elements (the first one), or of so many workgroups. */
  call(
    name: string,
    parameters: readonly number[],
    buffers: readonly GPUBuffer[],
    workgroups?: readonly number[],
  ): void;
  /** Sets a buffer to zero between the calls before and after. */
  clear(buffer: GPUBuffer): void;
  encode(encoder: GPUCommandEncoder): void;
  /** Kernels that one run calls. */
  readonly calls: number;
  free(buffer: GPUBuffer): void;
  close(): void;
}

/** Uniform buffers are a whole number of these. */
const UNIFORM_WORDS = 4;

export function createProgram(device: Device): Program {
  const { gpu } = device;
  const owned = new Set<GPUBuffer>();
  const calls: Call[] = [];
  const create = (values: number, usage: number): GPUBuffer => {
    const buffer = gpu.createBuffer({ size: 4 * Math.max(4, values), usage });
    owned.add(buffer);
    return buffer;
  };
  const upload = (values: Int32Array | Uint32Array, usage: number): GPUBuffer => {
    const buffer = create(values.length, usage | USAGE.copyTarget);
    gpu.queue.writeBuffer(buffer, 0, values);
    return buffer;
  };
  const storage = USAGE.storage | USAGE.copySource | USAGE.copyTarget;
  return {
    buffer: (values) => create(values, storage),
    filled: (values) => upload(values, storage),
    staging: (values) => create(values, USAGE.mapRead | USAGE.copyTarget),
    call(name, parameters, buffers, workgroups) {
      const words = new Int32Array(Math.ceil(parameters.length / UNIFORM_WORDS) * UNIFORM_WORDS);
      words.set(parameters);
      const pipeline = device.pipeline(name);
      const resources = [upload(words, USAGE.uniform), ...buffers];
      const group = gpu.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
      const size = workgroups ?? [Math.min(MAX_WORKGROUPS, Math.ceil(parameters[0]! / GROUP))];
      calls.push({ pipeline, group, size });
    },
    clear(buffer) {
      calls.push({ clear: buffer });
    },
    encode(encoder) {
      let pass: GPUComputePassEncoder | undefined;
      for (const call of calls) {
        if ('clear' in call) {
          pass?.end();
          pass = undefined;
          encoder.clearBuffer(call.clear);
          continue;
        }
        pass ??= encoder.beginComputePass();
        pass.setPipeline(call.pipeline);
        pass.setBindGroup(0, call.group);
        pass.dispatchWorkgroups(call.size[0]!, call.size[1], call.size[2]);
      }
      pass?.end();
    },
    get calls() {
      return calls.filter((call) => 'pipeline' in call).length;
    },
    free(buffer) {
      owned.delete(buffer);
      buffer.destroy();
    },
    close() {
      for (const buffer of owned) buffer.destroy();
    },
  };
}
