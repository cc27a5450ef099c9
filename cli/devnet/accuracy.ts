/**
 * The accuracy curve while a job trains: each fixed training round's state, fetched like anyone would, on some test
 * digits. Only the client, who owns the test set, can draw it; nothing of the protocol depends on it.
 */

import type { Job } from '../../job/index.ts';
import { gatewayStore, type Records } from '../../storage/index.ts';

/** Enough for a curve: ±1.3 points at 90 %. */
const SAMPLES = 500;
/** A state that takes longer to arrive is skipped; the next one is more interesting. */
const FETCH_TIMEOUT_MS = 10_000;

export interface AccuracyMeter {
  /** Measures the state unless a measurement is under way. Failures are silent: it is only a curve. */
  measure(stateCid: string): void;
}

export async function createAccuracyMeter(
  job: Job,
  test: Records,
  rpc: string,
  onAccuracy: (value: number) => void,
): Promise<AccuracyMeter> {
  const { createEngine, decodeState, momentsOf, stateLength } = await import('../../engine/index.ts');
  const engine = await createEngine();
  const count = Math.min(SAMPLES, test.labels.length);
  const inputs = Uint8Array.from(test.inputs.subarray(0, count * job.model.inputSize));
  const content = gatewayStore(rpc);
  let busy = false;
  const run = async (stateCid: string) => {
    const limits = { maxBytes: stateLength(job.model, momentsOf(job.recipe)), timeoutMs: FETCH_TIMEOUT_MS };
    const state = decodeState(job.model, await content.getBytes(stateCid, limits), momentsOf(job.recipe));
    const { classes } = engine.predict(job.model, state.weights, inputs, count);
    onAccuracy(classes.reduce((right, label, i) => right + (label === test.labels[i] ? 1 : 0), 0) / count);
  };
  return {
    measure(stateCid) {
      if (busy) return;
      busy = true;
      void run(stateCid)
        .catch(() => {})
        .finally(() => {
          busy = false;
        });
    },
  };
}
