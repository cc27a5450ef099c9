/** What the thread that owns a device is asked, and how it answers. Everything here can be cloned between threads. */
import type { TrainingRecipe } from '../document.ts';
import type { Batch, Predictions } from '../engine.ts';
import type { TrainState } from '../state/state.ts';
import type { Adapter } from './device.ts';

/** A model travels as its document: the thread plans it anew. */
export type Request =
  | {
      readonly type: 'train';
      readonly document: unknown;
      readonly recipe: TrainingRecipe;
      readonly state: TrainState;
    }
  | { readonly type: 'step'; readonly session: number; readonly batch: Batch }
  | { readonly type: 'export'; readonly session: number }
  | { readonly type: 'load'; readonly session: number; readonly state: TrainState }
  | { readonly type: 'close'; readonly session: number }
  | {
      readonly type: 'predict';
      readonly document: unknown;
      readonly weights: readonly Int32Array[];
      readonly inputs: Uint8Array;
      readonly count: number;
    };

export interface Results {
  train: number;
  step: number;
  export: TrainState;
  load: undefined;
  close: undefined;
  predict: Predictions;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly transient: boolean;
  readonly remedy: string | undefined;
}

export type Answer = { readonly value: unknown } | { readonly fault: Fault };

/** The thread's first message: its device, or why it has none. */
export type Opened = { readonly adapter: Adapter } | { readonly fault: Fault };

/** `signal` has one word: 1 once the answer to the present request lies in the port. */
export interface ThreadData {
  readonly signal: Int32Array;
  readonly port: MessagePort;
}
