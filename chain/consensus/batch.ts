/** Verifies signatures together: what arrives in one turn of the event loop costs little more than one check. */
import type { BlsCheck } from '../../core/bls/index.ts';
import type { Clock } from '../../core/index.ts';
import type { SignatureScheme } from './types.ts';

/** Bounds the time of one turn: about 64 × 0.5 ms. */
const MAX_BATCH = 64;

export interface BatchVerifier {
  verify(check: BlsCheck): Promise<boolean>;
}

export function createBatchVerifier(scheme: SignatureScheme, clock: Clock): BatchVerifier {
  let waiting: { check: BlsCheck; answer: (valid: boolean) => void }[] = [];
  const flush = () => {
    const batch = waiting.slice(0, MAX_BATCH);
    waiting = waiting.slice(MAX_BATCH);
    if (waiting.length > 0) clock.setTimer(0, flush);
    const allValid = scheme.verifyAll(batch.map(({ check }) => check));
    for (const { check, answer } of batch) answer(allValid || scheme.verify(check));
  };
  return {
    verify: (check) =>
      new Promise((answer) => {
        if (waiting.length === 0) clock.setTimer(0, flush);
        waiting.push({ check, answer });
      }),
  };
}
