/** What a run of either engine is given and tells. */
import { FedaiError } from '../../core/index.ts';
import type { KernelName } from '../../engine/index.ts';
import type { BackendName, PassedOver } from '../../engine/tfjs/index.ts';
import type { RecordSet } from '../../storage/index.ts';
import type { Sets } from '../source.ts';
import type { TrainDocument, WantedEngine } from './document.ts';
import type { CurvePoint } from './folder.ts';
import { stepsPerEpoch } from './loop.ts';

export interface TrainOptions {
  readonly document: string;
  readonly data: string;
  readonly out: string;
  readonly resume?: boolean;
  readonly epochs?: number;
  readonly steps?: number;
  readonly seed: number;
  readonly engine: WantedEngine;
  readonly kernel: 'auto' | KernelName;
  readonly backend: 'auto' | BackendName;
  readonly start?: string;
  readonly checkpointSeconds: number;
  readonly size?: { readonly width: number; readonly height: number };
  readonly threads: number;
}

/** By re-execution bit for bit, or by quality alone. */
export type Attested = 'exact' | 'quality';

export interface Report {
  /** The exact engine does not cover the document: TensorFlow.js trains it. */
  notExact(gaps: readonly string[]): void;
  started(about: {
    engine: 'exact' | 'tfjs';
    attested: Attested;
    parameters: number;
    samples: number;
    from: number;
    steps: number;
    /** Of the exact engine. */
    kernel?: string;
    /** Of TensorFlow.js. */
    backend?: string;
    adapter?: string;
    fallbackReason?: string;
    /** Backends before it in the list, with reasons. */
    passedOver?: readonly PassedOver[];
    /** The backend that the steps before were made with, where it is another one. */
    resumedFrom?: string;
  }): void;
  /** The graphics device failed; training goes on without it. */
  deviceLost(reason: string): void;
  point(point: CurvePoint, samplesPerSecond: number): void;
  finished(result: {
    /** The file that holds the weights. */
    file: string;
    attested: Attested;
    /** Loss by epoch as one line of bars. */
    curve: string;
    hash: string;
    step: number;
    loss?: number;
    accuracy?: number;
  }): void;
}

/** What both engines are given. */
export interface RunOf<Document> {
  readonly records: Sets;
  readonly document: Document;
  readonly options: TrainOptions;
  readonly report: Report;
  readonly signal: AbortSignal;
}

export const stepsOf = (
  options: TrainOptions,
  { epochs }: TrainDocument,
  { count }: RecordSet,
  batchSize: number,
): number => options.steps ?? (options.epochs ?? epochs ?? 1) * stepsPerEpoch(count, batchSize);

export interface Fits {
  readonly shape: readonly number[];
  readonly size: number;
  readonly classes: number;
}

/** Throws `DATA_MISMATCH`. */
export function checkFits(model: Fits, { shape, classes }: RecordSet): void {
  const size = shape.reduce((product, side) => product * side, 1);
  if (size === model.size && classes <= model.classes) return;
  throw new FedaiError(
    'DATA_MISMATCH',
    'the data set does not fit the model',
    { got: { shape, classes }, expected: { shape: model.shape, classes: model.classes } },
    { remedy: 'give the model the input shape and classes of the data set' },
  );
}
