/** Thread that scores one model and ends, so that the daemon's network and chain work never wait for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { FedaiError } from '../core/index.ts';
import { createEngine, decodeModel } from '../engine/index.ts';
import { scoreModel } from '../job/index.ts';
import type { ScoreAnswer, ScoreRequest } from './scorerTypes.ts';

async function score({ file, inputs, labels, kernel }: ScoreRequest): Promise<ScoreAnswer> {
  const engine = await createEngine({ kernel });
  const { model, weights } = decodeModel(file);
  return scoreModel(engine, model, weights, { inputs, labels });
}

function faultOf(error: unknown): ScoreAnswer {
  const code = error instanceof FedaiError ? error.code : 'SCORER_FAILED';
  return { fault: { code, message: String(error) } };
}

parentPort?.postMessage(await score(workerData as ScoreRequest).catch(faultOf));
