/** The life of a job as a line: what is done, what is under way and until when, what is to come. */
import type { Job, JobState } from '../../market/index.ts';
import { progressOf } from './jobList.tsx';

const STEPS = ['Open', 'Training', 'Evaluating', 'Settled'] as const;
const MEANS = {
  Open: 'workers volunteer',
  Training: 'slots train and average',
  Evaluating: 'evaluators score on hidden data',
  Settled: 'everybody is paid',
} as const;

const stepOf = (state: JobState): number => {
  const index = STEPS.findIndex((step) => step === state);
  return index < 0 ? STEPS.length - 1 : index;
};

export function StateLine({ job, height }: { job: Job; height: number }) {
  const now = stepOf(job.state);
  const isOver = now === STEPS.length - 1;
  const isBad = job.state === 'Failed' || job.state === 'Cancelled';
  const left = job.deadline - height;
  return (
    <ol class="state-line">
      {STEPS.map((step, index) => {
        const state = index < now || isOver ? 'done' : index === now ? 'now' : 'next';
        const isLast = index === STEPS.length - 1;
        return (
          <li
            key={step}
            class={`${state} ${isLast && isBad ? 'bad' : ''}`}
            {...(index === now && { 'aria-current': 'step' as const })}
          >
            <span class="step-name">{isLast && isOver ? job.state : step}</span>
            <span class="step-note">
              {index === now && !isOver ? progressOf(job) : isLast && isBad ? job.exit : MEANS[step]}
            </span>
            {index === now && !isOver && (
              <span class="step-note">
                {left >= 0
                  ? `deadline block ${job.deadline}, ${left} blocks left`
                  : `past its deadline, block ${job.deadline}: anyone may move it on`}
              </span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
