/** What a form comes to: checked by the rules of job documents in the worker, judged by the live network. */
import { useEffect, useState } from 'preact/hooks';
import { FedaiError } from '../../core/index.ts';
import { workerStakeFor } from '../../market/index.ts';
import { type Estimate, estimate, type LiveFacts, readLiveFacts } from '../data/estimate.ts';
import { chainStatus, latestHeight, openMarket } from '../node/node.ts';
import { type Query, useQuery } from '../node/useQuery.ts';
import { checkDraft } from './client.ts';
import { type DataShape, draftFrom, type Form, problemsOf } from './form.ts';
import type { Draft, DraftFacts, Wanted } from './messages.ts';

export interface Judged {
  wanted: Wanted;
  draft: Draft;
  facts: DraftFacts;
  reward: bigint;
  /** What each worker locks. */
  workerStake: bigint;
  found: Estimate;
}

export interface DraftState {
  live: Query<LiveFacts>;
  /** The last answer, which stays to be seen while a newer one is awaited. */
  judged: Judged | undefined;
  /** It is about the form as it stands: nothing else may be posted. */
  isCurrent: boolean;
  error: unknown;
}

interface Found {
  form?: Form;
  data?: DataShape | undefined;
  judged?: Judged;
  error?: unknown;
}

/** Typing is not answered letter by letter. */
const PAUSE_MS = 250;
/** What a data set has that is not there yet: MNIST's size. */
const RECORDS = 60_000;

export function useDraft(form: Form, data: DataShape | undefined): DraftState {
  const live = useQuery('live facts', readLiveFacts);
  const [found, setFound] = useState<Found>({});
  useEffect(() => {
    const facts = live.data;
    if (facts === undefined || Object.keys(problemsOf(form)).length > 0) return setFound({});
    let isOver = false;
    const timer = setTimeout(() => {
      judge(form, data, facts).then(
        (judged) => isOver || setFound({ form, data, judged }),
        (error: unknown) => isOver || setFound({ form, data, error }),
      );
    }, PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [form, data, live.data]);
  return {
    live,
    judged: found.judged,
    isCurrent: found.form === form && found.data === data,
    error: found.error,
  };
}

async function judge(form: Form, data: DataShape | undefined, live: LiveFacts): Promise<Judged> {
  const { minWorkerStake, minReward } = live.parameters;
  const wanted: Wanted = {
    draft: draftFrom(form, data, minWorkerStake),
    encryptTrain: form.encryptTrain,
    mayOpen: form.mayOpen,
    licence: form.licence,
    limits: (await chainStatus()).work,
    height: await latestHeight(),
  };
  const facts = await checkDraft(wanted, RECORDS);
  const draft = wanted.draft as Draft;
  const reward = BigInt(draft.reward);
  if (reward < minReward)
    throw new FedaiError(
      'BAD_JOB',
      'the reward is below the least that this chain takes',
      {},
      { remedy: `Give at least ${Number(minReward) / 1e18} TRAIN.` },
    );
  if (form.fullAudit && !facts.provable)
    throw new FedaiError(
      'BAD_JOB',
      'only jobs whose segments can be executed again can be audited in full',
      {},
      { remedy: 'Take a smaller model, or open data, or no full audit.' },
    );
  const { workers, rounds, stepsPerRound } = draft.training;
  const { provable, segments } = facts;
  const terms = { provable, segments, fullAudit: form.fullAudit, workers };
  const own = BigInt(draft.workerStake);
  const workerStake = await workerStakeFor(
    await openMarket(),
    { ...terms, workerStake: own > minWorkerStake ? own : minWorkerStake },
    reward,
  );
  const size = { macsPerStep: facts.macsPerStep, stepsPerRound, rounds, workers, workerStake };
  const { evaluators, deadlines } = draft;
  const { volunteerBlocks } = deadlines;
  const found = estimate(live, { ...size, evaluators, encrypted: form.encryptTrain, volunteerBlocks });
  return { wanted, draft, facts, reward, workerStake, found };
}
