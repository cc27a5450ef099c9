/** "Verify here": executes a block's proof again in this page, check by check, good or spoilt on purpose. */
import { useEffect, useState } from 'preact/hooks';
import { verifyBlock } from '../work/client.ts';
import { type CheckResult, DAMAGES, type Damage } from '../work/messages.ts';
import { formatMs } from './format.ts';
import { Card, Failure, Tag } from './parts.tsx';

/** In the order in which they are made. */
const STEPS: readonly (readonly [name: string, means: string])[] = [
  ['header', 'Two thirds of the stake signed this block'],
  ['work section', 'The header binds the proof'],
  ['draw', 'Chance, not choice, picked the segment'],
  ['job', 'The state of the chain has its job, round and place'],
  ['bundle', 'The bytes are those that the header names'],
  ['document', 'The job is the one that was posted'],
  ['plan', 'The segment is part of the job'],
  ['manifest', 'The data set is the one of the job'],
  ['start', 'The start state was committed before'],
  ['records', 'Every training record is of the data set'],
  ['end', 'The end state was committed before'],
  ['replay', 'Executed again, the steps end there, bit for bit'],
  ['model', 'The model is the one in the header'],
];

/** As above, of a verdict: what is proved is what the court found. */
const VERDICT_STEPS: typeof STEPS = [
  ['header', 'Two thirds of the stake signed this block'],
  ['verdict section', 'The header binds the verdict'],
  ['bundle', 'The bytes are those that the header names'],
  ['verdict', 'Executed again, the steps end where the verdict says'],
];

type Run =
  | { state: 'idle' | 'running' }
  | { state: 'passed' | 'failed'; ms: number }
  | { state: 'broken'; error: unknown };

export function VerifyHere({ height, of = 'work' }: { height: number; of?: 'work' | 'verdict' }) {
  const [damage, setDamage] = useState<Damage>('none');
  const [checks, setChecks] = useState<readonly CheckResult[]>([]);
  const [run, setRun] = useState<Run>({ state: 'idle' });
  useEffect(() => {
    setChecks([]);
    setRun({ state: 'idle' });
  }, [height]);
  const steps = of === 'work' ? STEPS : VERDICT_STEPS;
  const made = steps.filter(([name]) => checks.some((one) => one.name === name)).length;
  const start = (): void => {
    const since = performance.now();
    setChecks([]);
    setRun({ state: 'running' });
    verifyBlock(height, damage, (check) => setChecks((before) => [...before, check])).then(
      (ok) => setRun({ state: ok ? 'passed' : 'failed', ms: performance.now() - since }),
      (error: unknown) => setRun({ state: 'broken', error }),
    );
  };
  return (
    <Card title="Verify here" class="verify" side={<Outcome run={run} />}>
      <p class="lead">
        Fetch the bundle, check every signature and path, and execute the training steps again, in this
        browser. Nothing that the node says is believed before it is checked.
      </p>
      <div class="controls">
        <button type="button" class="primary" onClick={start} disabled={run.state === 'running'}>
          {run.state === 'running' ? 'Checking…' : 'Verify this proof'}
        </button>
        <label>
          Spoil first{' '}
          <select
            value={damage}
            onChange={({ currentTarget }) => setDamage(currentTarget.value as Damage)}
            disabled={run.state === 'running'}
          >
            {Object.entries(DAMAGES).map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
      </div>
      {run.state === 'broken' && <Failure error={run.error} />}
      <ol class="checks" data-state={run.state}>
        {steps.map(([name, means], index) => (
          <Step
            key={name}
            name={name}
            means={means}
            check={checks.find((one) => one.name === name)}
            isNext={run.state === 'running' && index === made}
          />
        ))}
      </ol>
      <p class="unseen" role="status">
        {run.state === 'passed' && 'The proof is verified'}
        {run.state === 'failed' && `The proof fails: ${checks.at(-1)?.detail ?? ''}`}
      </p>
    </Card>
  );
}

function Outcome({ run }: { run: Run }) {
  if (run.state === 'passed') return <Tag tone="good">verified in {formatMs(run.ms)}</Tag>;
  if (run.state === 'failed') return <Tag tone="bad">not verified</Tag>;
  return null;
}

interface StepProps {
  name: string;
  means: string;
  check: CheckResult | undefined;
  isNext: boolean;
}

function Step({ name, means, check, isNext }: StepProps) {
  const state = check === undefined ? (isNext ? 'busy' : 'open') : check.ok ? 'good' : 'bad';
  return (
    <li class={`check ${state}`}>
      <Mark state={state} />
      <div>
        <p class="check-name">
          {means} <span class="quiet">{name}</span>
        </p>
        {check !== undefined && <p class="check-detail">{check.detail}</p>}
      </div>
      {check !== undefined && <span class="check-ms">{formatMs(check.ms)}</span>}
    </li>
  );
}

function Mark({ state }: { state: string }) {
  return (
    <svg class="mark" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="10" r="9" />
      {state === 'good' && <path d="m6 10.3 2.7 2.7L14 7.4" />}
      {state === 'bad' && <path d="m7 7 6 6m0-6-6 6" />}
    </svg>
  );
}
