/** Messages between the daemon and its scoring thread. */

export interface ScoreRequest {
  /** Canonical model file. */
  file: Uint8Array;
  inputs: Uint8Array;
  labels: Uint8Array;
  kernel: 'auto' | 'reference' | 'wasm';
}

export type ScoreAnswer =
  | { correct: number; total: number; outputsRoot: Uint8Array }
  | { fault: { code: string; message: string } };
