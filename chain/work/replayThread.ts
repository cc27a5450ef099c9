/**
 * Thread that re-executes segments, one after the other, so that votes never wait for it. A fast kernel that does not
 * confirm a claim is not believed: the reference decides.
 */
import { parentPort } from 'node:worker_threads';
import { FedaiError } from '../../core/index.ts';
import { createEngine, type Engine } from '../../engine/index.ts';
import { decodeBundle, type Verified, verifyBundle } from '../../pouw/index.ts';
import type { ReplayAnswer, ReplayOutcome, ReplayRequest } from './replayTypes.ts';

const port = parentPort;
if (port === null) throw new FedaiError('NOT_A_THREAD', 'this file runs as a worker thread only');

const fast = createEngine();
const reference = createEngine({ kernel: 'reference' });

port.on('message', (request: ReplayRequest) => {
  const { id } = request;
  replay(request).then(
    (outcome) => port.postMessage({ id, outcome } satisfies ReplayAnswer),
    (error: unknown) => port.postMessage({ id, fault: String(error) } satisfies ReplayAnswer),
  );
});

async function replay(request: ReplayRequest): Promise<ReplayOutcome> {
  const started = performance.now();
  const engine = await fast;
  const first = verifyWith(engine, request);
  const isDoubtful = !first.ok && first.check === 'replay' && engine.kernel !== 'reference';
  const verified = isDoubtful ? verifyWith(await reference, request) : first;
  return { ...verified, kernelFault: isDoubtful && verified.ok, ms: performance.now() - started };
}

function verifyWith(engine: Engine, { bundle, claim, limits }: ReplayRequest): Verified {
  try {
    return verifyBundle(engine, decodeBundle(bundle, limits.maxBundleBytes), claim, { limits });
  } catch (error) {
    if (error instanceof FedaiError && error.code === 'BAD_BUNDLE')
      return { ok: false, check: 'document', reason: error.message };
    throw error;
  }
}
