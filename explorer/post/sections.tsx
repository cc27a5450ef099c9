/** The three parts of a new job's form: which model, which data, on which terms. */
import { useState } from 'preact/hooks';
import { Field, Switch, TextField } from '../ui/field.tsx';
import { formatNumber, formatPercent } from '../ui/format.ts';
import { Card, Failure } from '../ui/parts.tsx';
import { Pixels } from '../ui/pixels.tsx';
import { chosen, dropped } from './drop.ts';
import type { Form, Problems } from './form.ts';
import type { DataFacts, Dropped } from './messages.ts';
import { TEMPLATES, templateOf } from './templates.ts';

export interface SectionProps {
  form: Form;
  change: (part: Partial<Form>) => void;
  problems: Problems;
}

export function ModelSection({ form, change, problems }: SectionProps) {
  return (
    <Card title="1. Model">
      <fieldset class="templates">
        <legend class="unseen">Template</legend>
        {TEMPLATES.map(({ id, name, means, wants }) => (
          <label key={id} class="template">
            <input
              type="radio"
              name="template"
              value={id}
              checked={form.template === id}
              onChange={() => change({ template: id })}
            />
            <span class="template-name">{name}</span>
            <span class="template-means">{means}</span>
            <span class="template-wants">{wants}</span>
          </label>
        ))}
      </fieldset>
      {form.template === 'own' && (
        <Field
          label="Job document"
          wide
          hint="As docs/protocol/job.md has it; which data is meant is said by what you drop below."
          error={problems.own}
        >
          <textarea
            class="mono"
            rows={18}
            spellcheck={false}
            maxLength={262_144}
            value={form.own}
            onInput={({ currentTarget }) => change({ own: currentTarget.value })}
          />
        </Field>
      )}
    </Card>
  );
}

export type DataState =
  | { state: 'none' }
  | { state: 'reading'; share: number }
  | { state: 'wrong'; error: unknown }
  | { state: 'read'; facts: DataFacts };

interface DataProps extends SectionProps {
  data: DataState;
  onFiles: (files: readonly Dropped[]) => void;
}

export function DataSection({ form, change, data, onFiles }: DataProps) {
  const { wants, input } = templateOf(form.template);
  const takesImages = input.length > 1 && form.template !== 'own';
  return (
    <Card title="2. Data">
      <DropZone wants={wants} onFiles={onFiles} isBusy={data.state === 'reading'} />
      {takesImages && (
        <p class="field-line">
          <label>
            Scale images to{' '}
            <select value={form.side} onChange={({ currentTarget }) => change({ side: currentTarget.value })}>
              {[8, 16, 28, 32, 64].map((side) => (
                <option key={side} value={side}>
                  {side} × {side} pixels, grey
                </option>
              ))}
            </select>
          </label>{' '}
          <span class="quiet">IDX files keep their own size.</span>
        </p>
      )}
      <div aria-live="polite">
        {data.state === 'reading' && <Progress share={data.share} label="Reading the files" />}
        {data.state === 'wrong' && <Failure error={data.error} />}
        {data.state === 'read' && <DataSummary facts={data.facts} />}
      </div>
      <Switch
        label="Encrypt the training data"
        hint={
          form.encryptTrain
            ? 'Only the workers that are drawn get the key; your wallet signs once for each. Such training cannot be proved on chain unless you allow batches to be shown.'
            : 'It is open: anyone who has its id may read it. The test data is encrypted in any case, to a key that only this browser has until the scores are committed.'
        }
        checked={form.encryptTrain}
        onChange={(encryptTrain) => change({ encryptTrain })}
      />
      {form.encryptTrain && (
        <Switch
          label="Batches may be shown in proofs"
          hint="Segments that are drawn to be proved carry the records that they trained on, in the clear."
          checked={form.mayOpen}
          onChange={(mayOpen) => change({ mayOpen })}
        />
      )}
    </Card>
  );
}

function DropZone({
  wants,
  onFiles,
  isBusy,
}: {
  wants: string;
  onFiles: (files: readonly Dropped[]) => void;
  isBusy: boolean;
}) {
  const [isOver, setOver] = useState(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the buttons inside do the same
    <div
      class={`drop ${isOver ? 'over' : ''}`}
      aria-busy={isBusy}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void dropped(event.dataTransfer.items).then(onFiles);
      }}
    >
      <p class="drop-what">Drop {wants} here</p>
      <p class="quiet">
        Nothing leaves this page before you post. With sets of its own for training and test (IDX), they are
        kept; otherwise every tenth record is held back to score the model.
      </p>
      <div class="controls">
        <label class="button">
          Choose files
          <input
            type="file"
            class="unseen"
            multiple
            disabled={isBusy}
            data-what="files"
            onChange={({ currentTarget }) => onFiles(chosen(currentTarget.files))}
          />
        </label>
        <label class="button">
          Choose a folder
          <input
            type="file"
            class="unseen"
            disabled={isBusy}
            data-what="folder"
            {...{ webkitdirectory: true }}
            onChange={({ currentTarget }) => onFiles(chosen(currentTarget.files))}
          />
        </label>
      </div>
    </div>
  );
}

export function Progress({ share, label }: { share: number; label: string }) {
  return (
    <div class="progress">
      <progress value={share} max={1} aria-label={label} />
      <span class="number">{formatPercent(share, 0)}</span>
    </div>
  );
}

const sizeText = (shape: readonly number[]): string =>
  shape.length === 1 ? `${shape[0]} values` : shape.filter((side, i) => side > 1 || i < 2).join(' × ');

function DataSummary({ facts }: { facts: DataFacts }) {
  const { kind, train, test, shape, classes, classNames, samples } = facts;
  return (
    <div class="data-summary">
      <p>
        <strong>{kind}</strong>: {formatNumber(train)} records to train on, {formatNumber(test)} to score
        with; {sizeText(shape)} each, {classes} classes
        {classNames.length > 0 &&
          ` (${classNames.slice(0, 12).join(', ')}${classNames.length > 12 ? ', …' : ''})`}
        .
      </p>
      {samples.length > 0 && (
        <div class="samples">
          {samples.map(({ pixels, label }, i) => (
            <Pixels key={i} pixels={pixels} shape={shape} label={`labelled ${classNames[label] ?? label}`} />
          ))}
        </div>
      )}
    </div>
  );
}

export function TermsSection({ form, change, problems }: SectionProps) {
  const text = (name: keyof Form & keyof Problems, label: string, hint: string, unit?: string) => (
    <TextField
      label={label}
      hint={hint}
      numeric={name !== 'name' && name !== 'licence'}
      value={String(form[name])}
      error={problems[name]}
      onValue={(value) => change({ [name]: value })}
      {...(unit !== undefined && { unit })}
    />
  );
  const isOwn = form.template === 'own';
  return (
    <Card title="3. Terms">
      {isOwn ? (
        <p class="quiet">The document says them all.</p>
      ) : (
        <>
          <div class="fields">
            {text('name', 'Name', 'Seen by everybody.')}
            {text(
              'reward',
              'Reward',
              'In escrow until the job is settled; what is not earned comes back.',
              'TRAIN',
            )}
            {text('workers', 'Workers', 'Each trains on its own share; their states are averaged.')}
            {text('evaluators', 'Evaluators', 'Odd. Two thirds must agree to the last bit.')}
            {text('rounds', 'Training rounds', 'After each, the workers agree on the mean.')}
            {text('stepsPerRound', 'Steps a round', 'Of each worker, between two agreements.')}
          </div>
          <details class="more">
            <summary>More</summary>
            <div class="fields">
              {text('batchSize', 'Samples a step', 'A power of two.')}
              {text('target', 'Score wanted', '0: any score settles the job.', '%')}
              {text('licence', 'Licence of the data', 'Stands in its manifest.')}
            </div>
          </details>
        </>
      )}
      <Switch
        label="Full audit"
        hint="Auditors execute every segment again. The workers’ part pays for it: 61 % instead of 90 %."
        checked={form.fullAudit}
        onChange={(fullAudit) => change({ fullAudit })}
      />
    </Card>
  );
}
