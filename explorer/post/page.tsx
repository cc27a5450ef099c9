/** Posts a job from the page: model, data, terms, what it would cost, then step by step onto the chain. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { EstimateView } from '../ui/estimate.tsx';
import { TextField } from '../ui/field.tsx';
import { formatNumber } from '../ui/format.ts';
import { Card, Failure, Loading, PageHead, Tag } from '../ui/parts.tsx';
import { WalletBox } from '../ui/wallet.tsx';
import { wallet } from '../wallet/wallet.ts';
import { readData } from './client.ts';
import { draftFrom, type Form, inputOf, NEW_FORM, problemsOf } from './form.ts';
import type { DataFacts, Dropped } from './messages.ts';
import { contentToken, posting, resumePosting, setContentToken, startPosting } from './posting.ts';
import { DataSection, type DataState, ModelSection, TermsSection } from './sections.tsx';
import { PostingSteps } from './steps.tsx';
import { type DraftState, useDraft } from './useDraft.ts';

/** Good beginnings for data of each kind. */
const TEXT_TERMS: Partial<Form> = { name: 'my text', stepsPerRound: '168' };

export function PostPage() {
  const stage = useStore(posting, (state) => state.stage);
  useEffect(() => void resumePosting().catch(() => {}), []);
  return (
    <>
      <PageHead title="Post a job" kind="Market">
        <p class="lead">
          Choose a model, drop your data, and let others train it. You pay for what is proved.
        </p>
      </PageHead>
      {stage === undefined ? <JobForm /> : <PostingSteps />}
    </>
  );
}

function useData(form: Form) {
  const [data, setData] = useState<DataState>({ state: 'none' });
  const files = useRef<readonly Dropped[]>([]);
  const input = inputOf(form, undefined).join('×');
  const read = (given: readonly Dropped[]): void => {
    files.current = given;
    if (given.length === 0) return;
    setData({ state: 'reading', share: 0 });
    readData(given, inputOf(form, undefined), (share) => setData({ state: 'reading', share })).then(
      (facts) => files.current === given && setData({ state: 'read', facts }),
      (error: unknown) => files.current === given && setData({ state: 'wrong', error }),
    );
  };
  // Images and text are cut to the model's input: another input is another reading.
  useEffect(() => {
    const isCut = data.state === 'read' && (data.facts.kind === 'images' || data.facts.kind === 'text');
    if (isCut || data.state === 'wrong') read(files.current);
  }, [input]);
  return { data, read };
}

const shapeOf = (data: DataState): DataFacts | undefined => (data.state === 'read' ? data.facts : undefined);

function JobForm() {
  const [form, setForm] = useState<Form>(NEW_FORM);
  const { data, read } = useData(form);
  const facts = shapeOf(data);
  const problems = problemsOf(form);
  const state = useDraft(form, facts);
  const change = (part: Partial<Form>): void => {
    // Two fields may change before the next drawing of the page.
    setForm((now) => {
      const isToOwn = part.template === 'own' && now.template !== 'own';
      const begin = isToOwn && { own: ownBeginning(now, facts, state) };
      const isToText = part.template === 'text' && now.name === NEW_FORM.name;
      return { ...now, ...(isToText && TEXT_TERMS), ...begin, ...part };
    });
  };
  const section = { form, change, problems };
  return (
    <div class="post">
      <div class="stack">
        <ModelSection {...section} />
        <DataSection {...section} data={data} onFiles={read} />
        <TermsSection {...section} />
      </div>
      <div class="post-side">
        <Summary form={form} facts={facts} state={state} isComplete={Object.keys(problems).length === 0} />
      </div>
    </div>
  );
}

/** The document that the form stood at, to go on by hand. */
function ownBeginning(form: Form, facts: DataFacts | undefined, { live }: DraftState): string {
  if (Object.keys(problemsOf(form)).length > 0) return form.own;
  const stake = live.data?.parameters.minWorkerStake ?? 0n;
  return JSON.stringify(draftFrom(form, facts, stake), null, 2);
}

interface SummaryProps {
  form: Form;
  facts: DataFacts | undefined;
  state: DraftState;
  isComplete: boolean;
}

function Summary({ form, facts, state, isComplete }: SummaryProps) {
  const { live, judged, isCurrent, error } = state;
  const account = useStore(wallet, (one) => one.account);
  const intake = useStore(node, ({ status }) => status && (status.acceptsContent ?? null));
  const missing = missingOf({
    facts,
    isComplete,
    account,
    judged: judged !== undefined && isCurrent,
    intake,
  });
  return (
    <Card title="Cost and time" class="summary">
      {live.error !== undefined && live.data === undefined && (
        <Failure error={live.error} reload={live.reload} />
      )}
      {error !== undefined && <Failure error={error} />}
      {judged === undefined ? (
        error === undefined && isComplete && <Loading rows={5} />
      ) : (
        <>
          <EstimateView
            found={judged.found}
            workers={judged.draft.training.workers}
            evaluators={judged.draft.evaluators}
            evaluatorsThere={live.data?.evaluators ?? 0}
            reward={judged.reward}
            workerStake={judged.workerStake}
          />
          <p class="quiet note">
            {formatNumber(judged.facts.parameters)} parameters.{' '}
            {judged.facts.provable
              ? 'Its segments can be proved and seal blocks.'
              : 'Too large or too closed to be proved on chain: its training is attested by the score alone.'}
          </p>
        </>
      )}
      <WalletBox />
      {intake?.token === true && (
        <TextField
          label="Token of this chain node"
          hint="From whoever runs it: it takes content from those alone who have one."
          value={contentToken()}
          onValue={setContentToken}
        />
      )}
      <div class="controls">
        <button
          type="button"
          class="primary large"
          disabled={missing !== undefined}
          onClick={() => judged && void startPosting(judged.wanted, form.fullAudit)}
        >
          Post the job
        </button>
        {missing === undefined ? <Tag tone="good">ready</Tag> : <span class="quiet">{missing}</span>}
      </div>
    </Card>
  );
}

interface Present {
  facts: DataFacts | undefined;
  isComplete: boolean;
  account: string | undefined;
  judged: boolean;
  intake: object | null | undefined;
}

/** What has to be done first, in the order of the page. */
function missingOf({ facts, isComplete, account, judged, intake }: Present): string | undefined {
  if (intake === null)
    return 'This chain node takes no content. Open this page on one that does: fedai chain run --accept-content.';
  if (facts === undefined) return 'The data is missing.';
  if (!isComplete) return 'Something above is not right yet.';
  if (account === undefined) return 'Connect a wallet first.';
  return judged ? undefined : 'Checking …';
}
