/** The frame of kernels that give int32 values before narrowing: each also writes their exponent and their magnitude. */
import { INTEGERS } from './integers.ts';
import { WIDES } from './wide.ts';

export interface MeasuredKernel {
  /** Fields of the parameters beside those of every such kernel, i32 each. */
  readonly fields: readonly string[];
  /** Types of the buffers that are read, by name. */
  readonly reads: Readonly<Record<string, string>>;
  /** Functions and constants. */
  readonly declarations?: string;
  /** Sets `value` and `exponent` of element `i` of sample `sample` (0 where samples share their exponents). */
  readonly body: string;
  /** Where the value goes; default: element `i`. */
  readonly target?: string;
}

/** Fields of every measured kernel: its size comes first, as calls expect. */
export const MEASURED_FIELDS = ['size', 'per_sample', 'by_sample', 'magnitude', 'exponent_out'] as const;

/** Words of a uniform buffer come in fours. */
export function structOf(name: string, fields: readonly string[]): string {
  const padding = Array.from({ length: (4 - (fields.length % 4)) % 4 }, (_, i) => `padding_${i}`);
  return `struct ${name} { ${[...fields, ...padding].map((field) => `${field}: i32`).join(', ')} }`;
}

/** Buffers: the parameters, the values, exponents, magnitudes, then what is read. */
export const measured = ({
  fields,
  reads,
  declarations = '',
  body,
  target = 'i',
}: MeasuredKernel): string => /* wgsl */ `
${INTEGERS}
${WIDES}
${structOf('Parameters', [...MEASURED_FIELDS, ...fields])}
@group(0) @binding(0) var<uniform> p: Parameters;
@group(0) @binding(1) var<storage, read_write> out: array<i32>;
@group(0) @binding(2) var<storage, read_write> exponents: array<i32>;
@group(0) @binding(3) var<storage, read_write> magnitudes: array<atomic<u32>>;
${Object.entries(reads)
  .map(([name, type], i) => `@group(0) @binding(${4 + i}) var<storage, read> ${name}: array<${type}>;`)
  .join('\n')}
var<workgroup> group_magnitude: atomic<u32>;
${declarations}
@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  if (index == 0u) { atomicStore(&group_magnitude, 0u); }
  workgroupBarrier();
  var bits = 0u;
  for (var i = i32(id.x); i < p.size; i += i32(groups.x * 64u)) {
    let sample = p.by_sample * (i / p.per_sample);
    var value = 0;
    var exponent = 0;
    ${body}
    out[${target}] = value;
    if (i == sample * p.per_sample) { exponents[p.exponent_out + sample] = exponent; }
    if (p.by_sample != 0) {
      atomicOr(&magnitudes[p.magnitude + sample], u32(abs(value)));
    } else {
      bits |= u32(abs(value));
    }
  }
  atomicOr(&group_magnitude, bits);
  workgroupBarrier();
  if (index == 0u && p.by_sample == 0) { atomicOr(&magnitudes[p.magnitude], atomicLoad(&group_magnitude)); }
}
`;
