/** The job's document as people read it: the model layer by layer, the data with samples, what is asked. */
import type { Layer } from '../../engine/index.ts';
import type { Job } from '../../market/index.ts';
import { type DocumentView, readDocument, readSamples } from '../data/document.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber, formatPercent } from './format.ts';
import { Card, Facts, Loaded, Tag } from './parts.tsx';
import { Pixels } from './pixels.tsx';
import { Amount, Hash } from './values.tsx';

const SAMPLES = 16;

export function DocumentCards({ job }: { job: Job }) {
  const query = useQuery(`document ${job.id}`, () => readDocument(job));
  return (
    <Loaded query={query} rows={6}>
      {(view) => (
        <div class="columns even">
          <Card title="Model to train" side={<Tag>{view.plan.document.model.numeric}</Tag>}>
            <ModelDiagram view={view} />
          </Card>
          <Card title="Data and terms" side={<Tag tone="good">document checked</Tag>}>
            <DataFacts view={view} job={job} />
          </Card>
        </div>
      )}
    </Loaded>
  );
}

function wordsOf(layer: Layer): string {
  if (layer.kind === 'conv2d') return `convolution ${layer.size.join(' × ')}`;
  if (layer.kind === 'pool') return `pooling ${layer.size.join(' × ')}`;
  return layer.kind;
}

const sizeText = (shape: readonly number[]): string =>
  shape.filter((side, i) => side > 1 || i === 2).join(' × ');

function ModelDiagram({ view: { plan } }: { view: DocumentView }) {
  const { model } = plan;
  const shapes = [model.document.input, ...model.layers.map(({ output }) => output)];
  const most = Math.max(...shapes.map((shape) => Math.log2(1 + shape.reduce((a, b) => a * b, 1))));
  return (
    <>
      <ol class="layers">
        {shapes.map((shape, i) => {
          const size = shape.reduce((a, b) => a * b, 1);
          return (
            <li key={i}>
              <i style={{ width: `${(100 * Math.log2(1 + size)) / most}%` }} />
              <span>{i === 0 ? 'input' : wordsOf(model.layers[i - 1]!)}</span>
              <span class="quiet number">{sizeText(shape)}</span>
            </li>
          );
        })}
      </ol>
      <p class="quiet">
        {formatNumber(model.parameters)} parameters; the bars show the size of each layer's output.
      </p>
    </>
  );
}

function DataFacts({ view: { plan, manifest }, job }: { view: DocumentView; job: Job }) {
  const { document, recipe } = plan;
  const samples = useQuery(`samples ${job.id}`, async () => (manifest ? readSamples(manifest, SAMPLES) : []));
  const { rounds, stepsPerRound, workers } = document.training;
  return (
    <>
      {samples.data !== undefined && samples.data.length > 0 && (
        <div class="samples">
          {samples.data.map(({ pixels, label }, i) => (
            <Pixels
              key={i}
              pixels={pixels}
              shape={manifest!.shape}
              label={`training image labelled ${label}`}
            />
          ))}
        </div>
      )}
      <Facts
        rows={[
          ['Name', document.name],
          manifest !== undefined && [
            'Training data',
            `${formatNumber(manifest.count)} records, ${manifest.classes} classes${document.data.train.encrypted ? ', encrypted' : ', open'}`,
          ],
          manifest !== undefined && manifest.licence !== '' && ['Licence', manifest.licence],
          [
            'Training',
            `${rounds} rounds of ${formatNumber(stepsPerRound)} steps by ${workers} workers, ${recipe.batchSize} samples a step`,
          ],
          ['Evaluators', `${document.evaluators}, drawn after the model is committed`],
          [
            'Wanted score',
            document.targetScorePpm === 0 ? 'none' : formatPercent(document.targetScorePpm / 1e6),
          ],
          ['Stake of a worker', <Amount key="v" wei={BigInt(document.workerStake)} />],
          [
            'Proofs',
            job.post.provable
              ? 'its segments can seal blocks'
              : 'quality-attested: too large or closed to replay',
          ],
          ['Document', <Hash key="v" value={job.post.documentCid} what="content id" />],
        ]}
      />
    </>
  );
}
