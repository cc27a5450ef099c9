/** Events of a job as this command prints them: for programs with plain values, for people as one line. */
import type { MarketEvent } from '../market/index.ts';
import { formatTrain } from './options.ts';
import type { JsonEvent, Output } from './output.ts';

/** Losses on chain are nats × 2^16. */
export const lossOf = (loss: bigint): number => Number(loss) / 65_536;

/** Prints one event of JobManager. */
export function printJobEvent(output: Output, event: MarketEvent): void {
  const { name, jobId, height, transactionHash: _, ...fields } = event;
  const line: JsonEvent = { event: 'job', name, id: jobId.toString(), height, ...fields };
  if (event.name === 'RoundCommitted') line.loss = lossOf(event.loss);
  output.event(line, `${String(height).padStart(6)}  ${describe(event)}`);
}

function describe(event: MarketEvent): string {
  switch (event.name) {
    case 'JobPosted':
      return `job ${event.jobId} posted by ${event.client}, ${formatTrain(event.reward)} TRAIN in escrow`;
    case 'WorkerVolunteered':
      return `worker ${event.worker} volunteers`;
    case 'TrainingStarted':
      return `training starts with ${event.workers.length} workers`;
    case 'RoundCommitted':
      return `training round ${event.round} fixed, loss ${lossOf(event.loss).toFixed(4)}`;
    case 'TraceCommitted':
      return `worker ${event.worker} commits its trace of training round ${event.round}`;
    case 'TraceLost':
      return `worker ${event.worker} loses its trace of training round ${event.round}: ${event.faulty ? 'proven wrong' : 'drawn and not opened'}`;
    case 'ResultSubmitted':
      return `model ${event.modelCid} submitted, hash ${event.modelHash}`;
    case 'EvaluatorsDrawn':
      return `evaluators drawn: ${event.evaluators.join(', ')}`;
    case 'ScoreCommitted':
      return `score committed by ${event.evaluator}`;
    case 'ScoreRevealed':
      return `score revealed by ${event.evaluator}: ${event.score.correct}/${event.score.total}`;
    case 'JobSettled':
      return `job ${event.jobId} ${event.state}${event.exit === 'None' ? '' : ` (${event.exit})`}`;
    case 'Credited':
      return `${event.account} is credited ${formatTrain(event.amount)} TRAIN`;
    default:
      return event.name;
  }
}
