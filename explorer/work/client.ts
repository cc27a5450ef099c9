/** Asks the worker that executes models and proofs. */
import { createAsking } from '../node/asking.ts';
import type {
  AccuracyPoint,
  AccuracyWish,
  CheckResult,
  Damage,
  ModelFacts,
  Question,
  Told,
} from './messages.ts';

const ask = createAsking<Question, Told>('fedai-worker');

/** Whether every check of the block's proof holds; each is told as it ends. */
export const verifyBlock = (
  height: number,
  damage: Damage,
  onCheck: (check: CheckResult) => void,
): Promise<boolean> =>
  ask({ kind: 'verify', height, damage }, (told) => {
    if (told.kind === 'check') onCheck(told.check);
  }) as Promise<boolean>;

export const loadModel = (cid: string): Promise<ModelFacts> =>
  ask({ kind: 'model', cid }) as Promise<ModelFacts>;

export const predict = (pixels: Uint8Array): Promise<number[]> =>
  ask({ kind: 'predict', pixels }) as Promise<number[]>;

/** Resolves with the number of records measured on; each training round is told as it is known. */
export const measureAccuracy = (
  wish: AccuracyWish,
  onPoint: (point: AccuracyPoint) => void,
): Promise<number> =>
  ask({ kind: 'accuracy', wish }, (told) => {
    if (told.kind === 'point') onPoint(told.point);
  }) as Promise<number>;
