/** Thread that computes the roots of one model's states. */
import { parentPort, workerData } from 'node:worker_threads';
import { FedaiError } from '../core/index.ts';
import { decodeState, parseModel, stateLength, stateRoots } from '../engine/index.ts';
import type { HasherAnswer, HasherRequest } from './hasherTypes.ts';

const port = parentPort;
if (port === null) throw new FedaiError('NOT_A_THREAD', 'this file runs as a worker thread only');
const model = parseModel(workerData);

port.on('message', ({ id, state }: HasherRequest) => {
  try {
    // The optimiser is not known here; only AdamW keeps two moments.
    const moments = state.length === stateLength(model, 2) ? 2 : 1;
    const { stateRoot } = stateRoots(model, decodeState(model, state, moments));
    port.postMessage({ id, root: stateRoot } satisfies HasherAnswer);
  } catch (error) {
    port.postMessage({ id, fault: String(error) } satisfies HasherAnswer);
  }
});
