/** Thread that owns the engine: trains, averages and measures, so that the daemon's network and chain work never wait for it. */
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { FedaiError, fromHex, toHex } from '../core/index.ts';
import {
  createEngine,
  decodeState,
  type Engine,
  encodeModel,
  encodeState,
  meanState,
  momentsOf,
  stateRoots,
  type Trainer,
  type TrainState,
} from '../engine/index.ts';
import { type Job, type JobSeed, parseJob, startingState } from '../job/index.ts';
import type { EncodedState, TrainerAnswer, TrainerOutcome, TrainerRequest } from './trainerTypes.ts';

interface Session {
  engine: Engine;
  job: Job;
  seed: JobSeed;
  trainer: Trainer;
}

let session: Session | undefined;
const port = parentPort;
if (port === null) throw new FedaiError('NOT_A_THREAD', 'this file runs as a worker thread only');
// Training fills the machine for hours; a drawn segment has a few blocks to be opened and a vote less. On Linux this is the
// priority of this thread alone, elsewhere it would be that of the whole process.
if (process.platform === 'linux')
  setPriority(Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL));

port.on('message', ({ id, request }: { id: number; request: TrainerRequest }) => {
  perform(request).then(
    (outcome) => port.postMessage({ id, outcome } satisfies TrainerAnswer),
    (error: unknown) => port.postMessage({ id, fault: faultOf(error) } satisfies TrainerAnswer),
  );
});

function faultOf(error: unknown): { code: string; message: string; remedy?: string } {
  if (!(error instanceof FedaiError)) return { code: 'TRAINER_FAILED', message: String(error) };
  const { code, message, remedy } = error;
  return remedy === undefined ? { code, message } : { code, message, remedy };
}

async function perform(request: TrainerRequest): Promise<TrainerOutcome> {
  if (request.type === 'open') {
    session = await open(request);
    return { type: 'opened', kernel: session.engine.kernel };
  }
  if (session === undefined) throw new FedaiError('NOT_OPEN', 'the trainer was not opened');
  return answer(session, request);
}

async function open(request: Extract<TrainerRequest, { type: 'open' }>): Promise<Session> {
  const job = parseJob(request.document);
  const { model, recipe } = job;
  const engine = await createEngine({
    kernel: request.kernel,
    threads: request.threads,
    fastestFor: { model, recipe },
    // No fault of the job: its steps are taken again by the processor.
    onDeviceLost: ({ message }) => process.emitWarning(`${message}: training goes on with the processor`),
  });
  const seed = { seed: fromHex(request.seed, 32), jobId: request.jobId };
  const trainer = engine.trainer(job.model, job.recipe, startingState(engine, job, seed));
  return { engine, job, seed, trainer };
}

function answer(held: Session, request: Exclude<TrainerRequest, { type: 'open' }>): TrainerOutcome {
  const { engine, job, trainer } = held;
  const decode = (bytes: Uint8Array): TrainState => decodeState(job.model, bytes, momentsOf(job.recipe));
  switch (request.type) {
    case 'initial':
      return { type: 'state', state: encode(held, startingState(engine, job, held.seed)) };
    case 'check':
      return check(held, decode(request.state));
    case 'load':
      trainer.load(decode(request.state));
      return { type: 'loaded' };
    case 'steps':
      return { type: 'stepped', lossesQ16: steps(held, request.inputs, request.labels) };
    case 'mark':
      return { type: 'marked', bytes: encodeState(trainer.export()) };
    case 'average':
      return { type: 'state', state: encode(held, meanState(request.states.map(decode))) };
    case 'finish':
      return finish(held, decode(request.state));
    case 'score':
      return score(held, decode(request.state), request.inputs, request.labels);
  }
}

function encode({ job }: Session, state: TrainState): EncodedState {
  return { bytes: encodeState(state), stateRoot: toHex(stateRoots(job.model, state).stateRoot) };
}

function check({ job }: Session, state: TrainState): TrainerOutcome {
  const { stateRoot, counter } = stateRoots(job.model, state);
  return { type: 'checked', stateRoot: toHex(stateRoot), counter };
}

function steps({ job, trainer }: Session, inputs: Uint8Array, labels: Uint8Array): number[] {
  const { batchSize } = job.recipe;
  const losses: number[] = [];
  for (let at = 0; at < labels.length; at += batchSize) {
    losses.push(
      trainer.step({
        inputs: inputs.subarray(at * job.model.inputSize, (at + batchSize) * job.model.inputSize),
        labels: labels.subarray(at, at + batchSize),
      }),
    );
  }
  return losses;
}

function finish({ job }: Session, state: TrainState): TrainerOutcome {
  const { weightsRoot, optimiserRoot, counter } = stateRoots(job.model, state);
  const file = encodeModel(job.model, state.weights);
  return {
    type: 'finished',
    finished: { file, weightsRoot: toHex(weightsRoot), optimiserRoot: toHex(optimiserRoot), counter },
  };
}

function score(
  { engine, job }: Session,
  state: TrainState,
  inputs: Uint8Array,
  labels: Uint8Array,
): TrainerOutcome {
  const { classes } = engine.predict(job.model, state.weights, inputs, labels.length);
  return {
    type: 'scored',
    correct: labels.reduce((sum, label, i) => sum + (classes[i] === label ? 1 : 0), 0),
  };
}
