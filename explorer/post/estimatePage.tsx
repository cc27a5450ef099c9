/** What would this job cost and how long would it take: a calculator over the live network. */
import { useState } from 'preact/hooks';
import { EstimateView } from '../ui/estimate.tsx';
import { TextField } from '../ui/field.tsx';
import { formatNumber } from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Failure, Figures, Loaded, Loading, PageHead } from '../ui/parts.tsx';
import { type Form, NEW_FORM, problemsOf } from './form.ts';
import { TEMPLATES } from './templates.ts';
import { type DraftState, useDraft } from './useDraft.ts';

const FIELDS = [
  ['workers', 'Workers', 'Each trains on its own share.'],
  ['rounds', 'Training rounds', 'With an agreement after each.'],
  ['stepsPerRound', 'Steps a round', 'Of each worker.'],
  ['batchSize', 'Samples a step', 'A power of two.'],
  ['evaluators', 'Evaluators', 'Odd, at least 3.'],
  ['reward', 'Reward', 'In escrow until the job is settled.'],
] as const;

export function EstimatePage() {
  const [form, setForm] = useState<Form>(NEW_FORM);
  const problems = problemsOf(form);
  const state = useDraft(form, undefined);
  return (
    <>
      <PageHead title="What would it cost?" kind="Market">
        <p class="lead">Judged by the workers that are registered now and by what the latest jobs took.</p>
      </PageHead>
      <Loaded query={state.live} rows={4}>
        {(live) => (
          <Figures
            items={[
              { label: 'Workers', value: formatNumber(live.workers.length), note: 'registered' },
              { label: 'Evaluators', value: formatNumber(live.evaluators), note: 'registered' },
              { label: 'Speed', value: speedText(live.speeds), note: 'of a slot, middle of recent rounds' },
              {
                label: 'Block time',
                value: `${live.blockSeconds.toFixed(1)} s`,
                note: 'over the latest blocks',
              },
            ]}
          />
        )}
      </Loaded>
      <div class="post">
        <Card title="The job">
          <fieldset class="tabs">
            <legend class="unseen">Model</legend>
            {TEMPLATES.filter(({ id }) => id !== 'own').map(({ id, name }) => (
              <button
                key={id}
                type="button"
                aria-pressed={form.template === id}
                onClick={() => setForm((now) => ({ ...now, template: id }))}
              >
                {name}
              </button>
            ))}
          </fieldset>
          <div class="fields">
            {FIELDS.map(([name, label, hint]) => (
              <TextField
                key={name}
                label={label}
                hint={hint}
                numeric
                value={form[name]}
                error={problems[name]}
                onValue={(value) => setForm((now) => ({ ...now, [name]: value }))}
                {...(name === 'reward' && { unit: 'TRAIN' })}
              />
            ))}
          </div>
        </Card>
        <div class="post-side">
          <Answer state={state} isComplete={Object.keys(problems).length === 0} />
        </div>
      </div>
    </>
  );
}

function speedText(speeds: readonly number[]): string {
  const middle = speeds[Math.floor(speeds.length / 2)];
  return middle === undefined ? '–' : `${(middle / 1e9).toPrecision(2)} GMAC/s`;
}

function Answer({ state: { live, judged, error }, isComplete }: { state: DraftState; isComplete: boolean }) {
  return (
    <Card title="Cost and time" class="summary">
      <div aria-live="polite">
        {error !== undefined && <Failure error={error} />}
        {!isComplete && <Empty>Correct the fields that are marked.</Empty>}
        {judged === undefined && error === undefined && isComplete && <Loading rows={5} />}
        {judged !== undefined && (
          <EstimateView
            found={judged.found}
            workers={judged.draft.training.workers}
            evaluators={judged.draft.evaluators}
            evaluatorsThere={live.data?.evaluators ?? 0}
            reward={judged.reward}
            workerStake={judged.workerStake}
          />
        )}
      </div>
      <div class="controls">
        <Link to="/post" class="button primary">
          Post a job
        </Link>
      </div>
    </Card>
  );
}
