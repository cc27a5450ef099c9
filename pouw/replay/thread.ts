/** Thread that re-executes segments with one kernel, one after the other, so that votes and daemons never wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { FedaiError } from '../../core/index.ts';
import { createEngine, type Engine } from '../../engine/index.ts';
import { decodeBundle, type Verified, verifyBundle } from '../index.ts';
import type { ReplayAnswer, ReplayRequest, ReplayThreadData } from './types.ts';

const port = parentPort;
if (port === null) throw new FedaiError('NOT_A_THREAD', 'this file runs as a worker thread only');

const { kernel } = workerData as ReplayThreadData;
const engine = kernel === 'reference' ? createEngine({ kernel }) : createEngine();

port.on('message', (request: ReplayRequest) => {
  replay(request).then(
    (answer) => port.postMessage(answer),
    (error: unknown) => port.postMessage({ id: request.id, fault: String(error) } satisfies ReplayAnswer),
  );
});

async function replay(request: ReplayRequest): Promise<ReplayAnswer> {
  const ready = await engine;
  const started = performance.now();
  const verified = verifyWith(ready, request);
  return { id: request.id, verified, kernel: ready.kernel, ms: performance.now() - started };
}

function verifyWith(ready: Engine, { bundle, claim, limits }: ReplayRequest): Verified {
  try {
    return verifyBundle(ready, decodeBundle(bundle, limits.maxBundleBytes), claim, { limits });
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_BUNDLE')
      return { ok: false, check: 'document', reason: error.message };
    throw error;
  }
}
