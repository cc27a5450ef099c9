/** A transaction in plain words: who did what to which job. */
import type { ComponentChildren } from 'preact';
import type { Head, Transaction } from '../rpc/shapes.ts';
import { Account, Amount, JobLink } from '../ui/values.tsx';
import { type Contracts, keyOf, readCall } from './abis.ts';

type Words = ComponentChildren;
type Args = Readonly<Record<string, unknown>>;
type Tell = (args: Args, transaction: Transaction) => Words;

const job = (args: Args) => <JobLink id={args['jobId'] as bigint} />;
const round = (args: Args): number => Number(args['round']) + 1;
const score = (args: Args) => args['score'] as { correct: bigint; total: bigint };

/** By contract and function. */
const TELLERS: Readonly<Record<string, Readonly<Record<string, Tell>>>> = {
  jobManager: {
    postJob: (_, { value }) => (
      <>
        posted a job for <Amount wei={value} />
      </>
    ),
    assignWorker: (args) => <>volunteered to train {job(args)}</>,
    closeAssignment: (args) => <>drew the workers of {job(args)}</>,
    deliverDataKey: (args) => <>handed a worker the data key of {job(args)}</>,
    commitTrace: (args) => (
      <>
        committed the trace of training round {round(args)} of {job(args)}
      </>
    ),
    commitRound: (args) => (
      <>
        fixed training round {round(args)} of {job(args)}
      </>
    ),
    submitResult: (args) => <>submitted the trained model of {job(args)}</>,
    drawEvaluators: (args) => <>drew the evaluators of {job(args)}</>,
    deliverTestKey: (args) => <>handed an evaluator the test key of {job(args)}</>,
    commitScore: (args) => <>committed a score for {job(args)}</>,
    publishTestKey: (args) => <>published the test key of {job(args)}</>,
    revealScore: (args) => (
      <>
        scored {job(args)}: {score(args).correct.toString()} of {score(args).total.toString()} right
      </>
    ),
    completeJob: (args) => <>settled {job(args)}</>,
    expireJob: (args) => <>moved {job(args)} on past its deadline</>,
    cancelJob: (args) => <>cancelled {job(args)}</>,
    withdraw: () => <>withdrew what jobs had paid</>,
  },
  staking: {
    deposit: (_, { value }) => (
      <>
        staked <Amount wei={value} />
      </>
    ),
    depositFor: (args, { value }) => (
      <>
        staked <Amount wei={value} /> for <Account address={String(args['account'])} />
      </>
    ),
    requestUnbond: (args) => (
      <>
        asked for <Amount wei={args['amount'] as bigint} /> of stake back
      </>
    ),
    withdrawUnbonded: () => <>took stake back</>,
    reportEquivocation: () => <>proved that a validator contradicted itself</>,
    registerValidator: () => <>registered as a validator</>,
    delegate: (args) => (
      <>
        gave its votes to <Account address={String(args['delegatee'])} />
      </>
    ),
  },
  workerRegistry: {
    register: (args) => <>registered as {rolesOf(Number(args['roles']))}</>,
    update: (args) => <>renewed its entry as {rolesOf(Number(args['roles']))}</>,
    deregister: () => <>left the registry</>,
  },
  usefulWork: { withdraw: () => <>withdrew what sealed blocks had paid</> },
  trainingCourt: {
    drawAuditors: (args) => <>drew the auditors of trace {String(args['traceId'])}</>,
    commitAudit: (args) => <>committed an audit of trace {String(args['traceId'])}</>,
    revealAudit: (args) => <>told what the audit of trace {String(args['traceId'])} found</>,
    settleAudit: (args) => <>settled the audit of trace {String(args['traceId'])}</>,
    challenge: (args, { value }) => (
      <>
        brought segment {String(args['segment'])} of trace {String(args['traceId'])} before the court for{' '}
        <Amount wei={value} />
      </>
    ),
    withdraw: () => <>withdrew what audits had paid</>,
  },
  beaconHistory: { record: () => <>recorded the beacon</> },
};

export function rolesOf(roles: number): string {
  return [(roles & 1) !== 0 && 'worker', (roles & 2) !== 0 && 'evaluator'].filter(Boolean).join(' and ');
}

/** What the sender did, without naming the sender. */
export function summaryOf(contracts: Contracts, transaction: Transaction): Words {
  const { to, value, input } = transaction;
  if (to === null) return <>created a contract</>;
  const call = readCall(contracts, transaction);
  if (call !== undefined) {
    const tell = TELLERS[keyOf(contracts, to) ?? '']?.[call.name];
    if (tell !== undefined) return tell(call.args.toObject() as Args, transaction);
    return (
      <>
        called <code>{call.name}</code> of <Account address={to} />
      </>
    );
  }
  if (input !== '0x') {
    return (
      <>
        called <Account address={to} />
      </>
    );
  }
  return (
    <>
      sent <Amount wei={value} /> to <Account address={to} />
    </>
  );
}

/** What sealed a block, in a few words; null when nothing did. */
export function sealOf({ usefulWork: { work } }: Head): string | null {
  return work === null ? null : `segment ${work.segment} of job ${work.taskId}`;
}
