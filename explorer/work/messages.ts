/** What the page and its worker say to each other. */
import type { End } from '../node/asking.ts';

export const DAMAGES = {
  none: 'nothing: check it as it is',
  bytes: 'one bit of the bundle on its way here',
  record: 'one pixel of a training image',
  weight: 'one weight of the start state',
  end: 'the state that the worker claims',
} as const;
export type Damage = keyof typeof DAMAGES;

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The evidence was out of reach rather than wrong. */
  readonly isAway: boolean;
  readonly ms: number;
}

export interface AccuracyWish {
  readonly documentCid: string;
  readonly states: readonly { round: number; stateCid: string }[];
  /** Opens the test set; without it the training set is measured on, if that is open. */
  readonly testKey: Uint8Array | undefined;
}

export interface AccuracyPoint {
  readonly round: number;
  /** From 0 to 1. */
  readonly accuracy: number;
}

export type Question =
  | { readonly kind: 'accuracy'; readonly id: number; readonly wish: AccuracyWish }
  | { readonly kind: 'verify'; readonly id: number; readonly height: number; readonly damage: Damage }
  | { readonly kind: 'model'; readonly id: number; readonly cid: string }
  | { readonly kind: 'predict'; readonly id: number; readonly pixels: Uint8Array };

export interface ModelFacts {
  readonly hash: string;
  readonly bytes: number;
  readonly input: readonly number[];
  readonly classes: number;
  readonly parameters: number;
  readonly kernel: string;
}

/** Told while a question is answered. */
export type Told =
  | { readonly id: number; readonly kind: 'check'; readonly check: CheckResult }
  | { readonly id: number; readonly kind: 'point'; readonly point: AccuracyPoint };

export type Reply = Told | End;
