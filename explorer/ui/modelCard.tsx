/** The trained model: fetched by id, its hash computed here and compared with the chain's, then tried. */
import { useState } from 'preact/hooks';
import type { Job } from '../../market/index.ts';
import { gatewayStore } from '../../storage/gateway-store.ts';
import { loadModel } from '../work/client.ts';
import type { ModelFacts } from '../work/messages.ts';
import { formatBytes, formatNumber } from './format.ts';
import { Card, Empty, Facts, Failure, Tag } from './parts.tsx';
import { TryIt } from './tryIt.tsx';
import { Hash } from './values.tsx';

/** As large as the engine reads; the worker that checks it has its own bound. */
const MAX_DOWNLOAD_BYTES = 32 * 2 ** 20;

async function download(cid: string, name: string): Promise<void> {
  const bytes = await gatewayStore(location.origin).getBytes(cid, { maxBytes: MAX_DOWNLOAD_BYTES });
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

export function ModelCard({ job }: { job: Job }) {
  const [facts, setFacts] = useState<ModelFacts | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [isBusy, setBusy] = useState(false);
  if (job.modelCid === '') {
    return (
      <Card title="Model">
        <Empty>The model is here once training has ended.</Empty>
      </Card>
    );
  }
  const load = (): void => {
    setBusy(true);
    setError(undefined);
    loadModel(job.modelCid)
      .then(setFacts, setError)
      .finally(() => setBusy(false));
  };
  const isRight = facts?.hash === job.modelHash;
  return (
    <Card
      title="Model"
      class="model"
      side={
        facts && (
          <Tag tone={isRight ? 'good' : 'bad'}>{isRight ? 'hash checked here' : 'hash does not match'}</Tag>
        )
      }
    >
      <Facts
        rows={[
          ['Model hash on chain', <Hash key="v" value={job.modelHash} what="model hash" />],
          ['Content id', <Hash key="v" value={job.modelCid} what="content id" />],
          facts !== undefined && [
            'Hash computed here',
            <Hash key="v" value={facts.hash} what="model hash" />,
          ],
          facts !== undefined && [
            'Size',
            `${formatNumber(facts.parameters)} parameters, ${formatBytes(facts.bytes)}, ${facts.kernel} kernel`,
          ],
        ]}
      />
      <div class="controls">
        {facts === undefined && (
          <button type="button" class="primary" onClick={load} disabled={isBusy}>
            {isBusy ? 'Fetching…' : 'Check and try it here'}
          </button>
        )}
        <button
          type="button"
          onClick={() => void download(job.modelCid, `job-${job.id}.safetensors`).catch(setError)}
        >
          Download
        </button>
      </div>
      {error !== undefined && <Failure error={error} reload={load} />}
      {facts !== undefined && isRight && facts.input.length > 1 && (facts.input[2] ?? 1) === 1 && (
        <TryIt input={facts.input} classes={facts.classes} />
      )}
    </Card>
  );
}
