/** On a job's page, for who posted it: what is asked of the client now, done by the wallet; keys to keep; money to take back. */
import { useEffect, useState } from 'preact/hooks';
import type { Hex } from '../../core/index.ts';
import { clientActions, isFinal, type Job } from '../../market/index.ts';
import { eventsNamed, type JobView } from '../data/jobs.ts';
import { openMarket } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { Card, Failure, Tag } from '../ui/parts.tsx';
import { Amount } from '../ui/values.tsx';
import { WalletBox } from '../ui/wallet.tsx';
import { openWalletMarket } from '../wallet/market.ts';
import { startWallet, wallet } from '../wallet/wallet.ts';
import { type JobKeys, keepKeys, keptKeys } from './kept.ts';
import { keyFileOf, readKeyFile, saveFile } from './keyFile.ts';
import { serve, served, serveLater } from './serve.ts';

export function ClientPart({ view }: { view: JobView }) {
  const { job } = view;
  const { testKeyCommitment: commitment } = job.post;
  const account = useStore(wallet, (state) => state.account);
  const [keys, setKeys] = useState<JobKeys | undefined>(undefined);
  useEffect(() => {
    startWallet();
    void keptKeys(commitment).then(setKeys, () => {});
  }, [commitment]);
  const isClient = account === job.client.toLowerCase();
  if (keys === undefined && !isClient) return null;
  return (
    <Card title="Your part" class="client-part" side={<StateOf job={job} />}>
      {isFinal(job.state) ? (
        <Settled job={job} isClient={isClient} />
      ) : (
        <Underway view={view} keys={keys} isClient={isClient} />
      )}
      <KeyControls job={job} keys={keys} onKeys={setKeys} />
    </Card>
  );
}

function StateOf({ job }: { job: Job }) {
  const state = useStore(served, ({ jobs }) => jobs[job.id.toString()]?.state);
  if (isFinal(job.state)) return null;
  return (
    <Tag tone={state === 'serving' ? 'busy' : 'plain'}>
      {state === 'serving' ? 'watching' : 'not watching'}
    </Tag>
  );
}

interface UnderwayProps {
  view: JobView;
  keys: JobKeys | undefined;
  isClient: boolean;
}

const waitingFor = (job: Job): string => {
  if (job.state === 'Open') return 'Workers volunteer. Nothing is asked of you yet.';
  if (job.state === 'Training') return 'The workers train. Nothing is asked of you now.';
  if (job.phase === 'Draw') return 'Evaluators are drawn soon: then your wallet signs once for each of them.';
  return 'The evaluators score. Nothing is asked of you any more.';
};

function Underway({ view, keys, isClient }: UnderwayProps) {
  const { job } = view;
  const id = job.id.toString();
  const one = useStore(served, ({ jobs }) => jobs[id]);
  const todo = useQuery(`client ${id} ${view.height}`, () => todoOf(view, keys));
  const [error, setError] = useState<unknown>(undefined);
  const go = (): void => {
    if (keys !== undefined) serveLater(job.id, job.post.testKeyCommitment, job.client.toLowerCase() as Hex);
  };
  const cancel = (): void => {
    setError(undefined);
    openWalletMarket(job.client.toLowerCase() as Hex)
      .then((market) => market.cancelJob(job.id))
      .catch(setError);
  };
  const count = todo.data ?? 0;
  const what = job.state === 'Training' ? 'data key' : 'test key';
  return (
    <>
      <p role="status">
        {one?.asked !== undefined
          ? 'The wallet asks you to hand out a key. Without it the job cannot be scored.'
          : count > 0
            ? `${count} ${count === 1 ? 'reader waits' : 'readers wait'} for the ${what}, until block ${job.deadline}.`
            : waitingFor(job)}
      </p>
      {!isClient && <WalletBox />}
      {one?.state !== 'serving' && (
        <p class="quiet">
          {keys === undefined
            ? 'The keys of this job are not in this browser. Load the file that was saved when it was posted.'
            : 'This page hands out keys while it is open, and asks your wallet for each.'}
        </p>
      )}
      <div class="controls">
        {keys !== undefined && one?.state !== 'serving' && (
          <button type="button" class="primary" onClick={go}>
            {count > 0 ? 'Hand out the keys' : 'Watch and hand out keys'}
          </button>
        )}
        {job.state === 'Open' && isClient && (
          <button type="button" onClick={cancel}>
            Take the job back
          </button>
        )}
      </div>
      {one?.error !== undefined && <Failure error={one.error} />}
      {error !== undefined && <Failure error={error} />}
    </>
  );
}

/** How many readers wait for a key of the client. */
async function todoOf(
  { job, workers, evaluators, events }: JobView,
  keys: JobKeys | undefined,
): Promise<number> {
  const market = await openMarket();
  const drawn = job.state === 'Evaluating' ? evaluators : [];
  const actions = clientActions({
    job,
    hasDataKey: keys?.dataKey !== undefined,
    workers,
    delivered: new Set(eventsNamed(events, 'DataKeyDelivered').map(({ worker }) => worker)),
    evaluators: await Promise.all(
      drawn.map(async (account) => ({ account, evaluation: await market.evaluationOf(job.id, account) })),
    ),
  });
  return actions.filter(({ type }) => type !== 'publishTestKey').length;
}

function Settled({ job, isClient }: { job: Job; isClient: boolean }) {
  const due = useQuery(
    `due ${job.client} ${job.id}`,
    async () => (await openMarket()).withdrawable(job.client),
    {
      live: true,
    },
  );
  const [error, setError] = useState<unknown>(undefined);
  const take = (): void => {
    setError(undefined);
    openWalletMarket(job.client.toLowerCase() as Hex)
      .then((market) => market.withdraw())
      .then(due.reload, setError);
  };
  return (
    <>
      <p>
        The job is settled.{' '}
        {due.data !== undefined && due.data > 0n ? (
          <>
            <Amount wei={due.data} /> are yours to take back.
          </>
        ) : (
          'Nothing is left to do.'
        )}
      </p>
      {due.data !== undefined && due.data > 0n && (
        <>
          {!isClient && <WalletBox />}
          <div class="controls">
            <button type="button" class="primary" disabled={!isClient} onClick={take}>
              Take it back
            </button>
          </div>
        </>
      )}
      {error !== undefined && <Failure error={error} />}
    </>
  );
}

interface KeyProps {
  job: Job;
  keys: JobKeys | undefined;
  onKeys: (keys: JobKeys) => void;
}

function KeyControls({ job, keys, onKeys }: KeyProps) {
  const [error, setError] = useState<unknown>(undefined);
  if (isFinal(job.state)) return null;
  const load = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const found = await readKeyFile(file, job.post.testKeyCommitment);
    await keepKeys(job.post.testKeyCommitment, found);
    onKeys(found);
    void serve(job.id, found, job.client.toLowerCase() as Hex);
  };
  return (
    <>
      <p class="quiet note">
        {keys === undefined ? (
          <label class="button">
            Load the keys
            <input
              type="file"
              class="unseen"
              accept="application/json,.json"
              onChange={({ currentTarget }) => void load(currentTarget.files?.[0]).catch(setError)}
            />
          </label>
        ) : (
          <>
            Its keys are in this browser alone.{' '}
            <button
              type="button"
              class="plain"
              onClick={() => saveFile(`job-${job.id}-keys.json`, keyFileOf(keys))}
            >
              Save them to a file
            </button>{' '}
            to go on elsewhere.
          </>
        )}
      </p>
      {error !== undefined && <Failure error={error} />}
    </>
  );
}
