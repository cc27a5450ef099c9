/** A decoder under test with valid samples, and the run that feeds it damaged ones. */
import { expect } from 'vitest';
import { equalBytes, FedaiError, toHex } from '../../core/index.ts';
import { damage, invent, joined, type Random, random } from './mutate.ts';
import { below, type Format, reshape } from './trees.ts';

export interface Subject {
  /** Exported functions that it exercises, as `folder/file.ts#name`. */
  covers: readonly string[];
  format: Format;
  /** What the matching encoder wrote. */
  samples: readonly Uint8Array[];
  decode: (bytes: Uint8Array) => unknown;
  /** For formats with one form only: the bytes of a decoded sample. */
  encode?: (value: never) => Uint8Array;
  /** Share of the inputs that a cheap decoder gets; 1 when absent. */
  share?: number;
  /** Answers undefined to what is not its own, and throws nothing. */
  neverThrows?: true;
}

export type Table = Readonly<Record<string, Subject>>;

export const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Of a subject whose share is 1. */
export const DEFAULT_INPUTS = 3_000;
const INPUTS = Number(process.env.FUZZ_INPUTS ?? DEFAULT_INPUTS);
/** Far above what any decoder may need for inputs of some 40 kB, on any machine. */
const MAX_INPUT_MS = 20_000;

/** The `i`th input of a run depends on seed, name and `i` alone. */
export function inputOf({ samples, format }: Subject, name: string, i: number): Uint8Array {
  const next = random(seedOf(name, i));
  const sample = samples[below(next, samples.length)]!;
  const kind = below(next, 20);
  if (kind === 0) return invent(next);
  if (format === 'bytes') return kind < 4 ? splice(samples, next) : damage(sample, next);
  if (kind < 6) return damage(sample, next);
  return reshape(sample, format, next) ?? damage(sample, next);
}

function seedOf(name: string, i: number): number {
  let seed = SEED;
  for (const letter of name) seed = Math.imul(seed ^ letter.charCodeAt(0), 0x01000193);
  return Math.imul(seed ^ i, 0x9e3779b1) ^ (i >>> 7);
}

/** The head of one sample and the tail of another. */
function splice(samples: readonly Uint8Array[], next: Random): Uint8Array {
  const [head, tail] = [samples[below(next, samples.length)]!, samples[below(next, samples.length)]!];
  return joined(head.subarray(0, below(next, head.length + 1)), tail.subarray(below(next, tail.length + 1)));
}

export interface Outcome {
  inputs: number;
  refused: number;
  /** By code. */
  codes: Map<string, number>;
}

export async function checkSamples(name: string, { samples, decode, encode }: Subject): Promise<void> {
  for (const [i, sample] of samples.entries()) {
    const value = await decode(sample);
    expect(value, `sample ${i} of ${name}`).toBeDefined();
    if (encode) expect(toHex(encode(value as never)), `sample ${i} of ${name}`).toBe(toHex(sample));
  }
}

/** Most inputs end in an error whose stack nobody reads, and which costs more than the decoding. */
const STACK_FRAMES = 3;

export async function fuzz(name: string, subject: Subject): Promise<Outcome> {
  const inputs = Math.ceil(INPUTS * (subject.share ?? 1));
  const codes = new Map<string, number>();
  let refused = 0;
  Error.stackTraceLimit = STACK_FRAMES;
  for (let i = 0; i < inputs; i++) {
    const bytes = inputOf(subject, name, i);
    const start = performance.now();
    const code = await codeOf(subject, bytes, `${name}, FUZZ_SEED=${SEED}, input ${i}`);
    if (performance.now() - start > MAX_INPUT_MS)
      expect.fail(`${name}, FUZZ_SEED=${SEED}, input ${i}: too slow`);
    if (code === undefined) continue;
    refused++;
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  return { inputs, refused, codes };
}

/** The code with which the bytes are refused; undefined when they are taken. Fails the test on anything else. */
async function codeOf(subject: Subject, bytes: Uint8Array, shown: string): Promise<string | undefined> {
  try {
    const decoded = subject.decode(bytes);
    const value = decoded instanceof Promise ? await decoded : decoded;
    if (value === undefined) return 'undefined';
    // What is taken has one form, or a signature over it would have two.
    if (subject.encode && !equalBytes(subject.encode(value as never), bytes))
      expect.fail(`${shown}: taken in a second form`);
    return undefined;
  } catch (error) {
    if (error instanceof FedaiError && !subject.neverThrows) return error.code;
    expect.fail(
      `${shown}: ${error instanceof Error ? error.stack : String(error)}\ninput: ${toHex(bytes).slice(0, 2_000)}`,
    );
  }
}
