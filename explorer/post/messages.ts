/** What the page of a new job and its worker say to each other. */
import type { JobDocument, ReplayLimits } from '../../job/index.ts';
import type { End } from '../node/asking.ts';

/** A file as it was dropped, with its place in the folder. */
export interface Dropped {
  readonly path: string;
  readonly file: File;
}

/** What was read of the dropped files. */
export interface DataFacts {
  readonly kind: 'IDX files' | 'CSV table' | 'text' | 'images';
  readonly shape: readonly number[];
  readonly classes: number;
  /** Names of folders, where classes have names. */
  readonly classNames: readonly string[];
  readonly train: number;
  readonly test: number;
  /** The first records, to be looked at; none where they are no images. */
  readonly samples: readonly { pixels: Uint8Array; label: number }[];
}

/** A job document in which the data is still missing. */
export type Draft = Omit<JobDocument, 'data' | 'format'>;

export interface Wanted {
  readonly draft: unknown;
  readonly encryptTrain: boolean;
  /** Leave to show batches of encrypted data in proofs of work. */
  readonly mayOpen: boolean;
  readonly licence: string;
  readonly limits: ReplayLimits | null;
  /** Of the chain: the job will be posted in a later block. */
  readonly height: number;
}

/** What a draft comes to, before anything is encrypted or stored. */
export interface DraftFacts {
  readonly parameters: number;
  readonly macsPerStep: number;
  readonly provable: boolean;
  readonly segments: number;
}

/** Everything that a posting needs: what is stored where, and the keys. */
export interface Prepared {
  readonly document: JobDocument;
  readonly documentCid: string;
  readonly documentHash: string;
  readonly testRoot: string;
  readonly provable: boolean;
  readonly testKey: Uint8Array;
  readonly dataKey: Uint8Array | undefined;
  /** The document last, so that it is there only when its data is. */
  readonly blocks: readonly { cid: string; bytes: Uint8Array }[];
}

export type Question =
  | {
      readonly kind: 'read';
      readonly id: number;
      readonly files: readonly Dropped[];
      readonly input: readonly number[];
    }
  | { readonly kind: 'check'; readonly id: number; readonly wanted: Wanted; readonly records: number }
  | { readonly kind: 'prepare'; readonly id: number; readonly wanted: Wanted };

/** Told while a question is answered. */
export interface Progress {
  readonly id: number;
  readonly kind: 'progress';
  readonly share: number;
}

export type Reply = Progress | End;
