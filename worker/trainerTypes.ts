/** Messages between the daemon and its trainer thread. Bytes of states are as `encodeState` writes them. */
import type { Hex } from '../core/index.ts';
import type { KernelName } from '../engine/index.ts';

export interface EncodedState {
  bytes: Uint8Array;
  stateRoot: Hex;
}

export interface Finished {
  /** The canonical model file. */
  file: Uint8Array;
  weightsRoot: Hex;
  optimiserRoot: Hex;
  counter: number;
}

export type TrainerRequest =
  /** Must come first. `document` is a job document; `seed` and `jobId` fix its first state. */
  | {
      type: 'open';
      document: unknown;
      seed: Hex;
      jobId: bigint;
      kernel: 'auto' | KernelName;
      threads: number;
    }
  | { type: 'initial' }
  /** Root of a state that came from elsewhere; a fault when the bytes are no state of the model. */
  | { type: 'check'; state: Uint8Array }
  | { type: 'load'; state: Uint8Array }
  /** Steps from the loaded state: whole batches, one after the other. */
  | { type: 'steps'; inputs: Uint8Array; labels: Uint8Array }
  /** The bytes of the state that the steps led to, without its root. */
  | { type: 'mark' }
  | { type: 'average'; states: Uint8Array[] }
  | { type: 'finish'; state: Uint8Array }
  /** How many of the samples the weights of `state` classify rightly. */
  | { type: 'score'; state: Uint8Array; inputs: Uint8Array; labels: Uint8Array };

export type TrainerOutcome =
  | { type: 'opened'; kernel: string }
  | { type: 'state'; state: EncodedState }
  | { type: 'checked'; stateRoot: Hex; counter: number }
  | { type: 'loaded' }
  | { type: 'stepped'; lossesQ16: number[] }
  | { type: 'marked'; bytes: Uint8Array }
  | { type: 'finished'; finished: Finished }
  | { type: 'scored'; correct: number };

export type TrainerAnswer =
  | { id: number; outcome: TrainerOutcome }
  | { id: number; fault: { code: string; message: string; remedy?: string } };
