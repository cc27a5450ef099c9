/** How far a posting is: each step, what it waits for, and what to do when it fails. */
import type { ComponentChildren } from 'preact';
import { node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { TextField } from '../ui/field.tsx';
import { formatBytes } from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Failure, Tag } from '../ui/parts.tsx';
import { Amount, Hash } from '../ui/values.tsx';
import { WalletBox } from '../ui/wallet.tsx';
import {
  contentToken,
  continuePosting,
  forgetPosting,
  type PostingState,
  posting,
  STAGES,
  type Stage,
  setContentToken,
} from './posting.ts';
import { Progress } from './sections.tsx';

const NAMES: Readonly<Record<Stage, string>> = {
  prepare: 'Cut, seal and name the data',
  upload: 'Leave it with the chain node',
  sign: 'Sign in the wallet',
  mine: 'Wait for the block',
  posted: 'On chain',
};

export function PostingSteps() {
  const state = useStore(posting, (now) => now);
  const { stage, isRunning, error, jobId } = state;
  if (stage === undefined) return null;
  const now = STAGES.indexOf(stage);
  return (
    <Card
      title={state.name === '' ? 'Posting' : `Posting “${state.name}”`}
      side={
        stage === 'posted' ? (
          <Tag tone="good">posted</Tag>
        ) : (
          <Tag tone={error === undefined ? 'busy' : 'bad'}>{isRunning ? 'under way' : 'waits for you'}</Tag>
        )
      }
      class="posting"
    >
      <ol class="steps">
        {STAGES.map((one, index) => (
          <li
            key={one}
            class={index < now || stage === 'posted' ? 'done' : index === now ? 'now' : 'next'}
            {...(index === now && { 'aria-current': 'step' as const })}
          >
            <span class="steps-name">{NAMES[one]}</span>
            {index === now && <Detail state={state} />}
          </li>
        ))}
      </ol>
      {error !== undefined && <Failure error={error} />}
      {stage !== 'posted' && !isRunning && <GoOn state={state} />}
      {jobId !== undefined && (
        <div class="controls">
          <Link to={`/job/${jobId}`} class="button primary">
            Watch job {jobId.toString()}
          </Link>
          <button type="button" onClick={() => void forgetPosting()}>
            Post another
          </button>
        </div>
      )}
    </Card>
  );
}

function Detail({ state: { stage, share, bytes, reward, hash, isRunning } }: { state: PostingState }) {
  const detail: Record<Stage, ComponentChildren> = {
    prepare: <Progress share={share} label="Preparing the data" />,
    upload: (
      <>
        <span class="quiet">{formatBytes(bytes)}</span>
        <Progress share={share} label="Leaving the data with the chain node" />
      </>
    ),
    sign: (
      <span class="quiet">
        {isRunning ? 'The wallet asks you: ' : 'The wallet will ask you: '}
        <Amount wei={reward} /> go into escrow.
      </span>
    ),
    mine: hash !== undefined && (
      <span class="quiet">
        transaction <Hash value={hash} to={`/tx/${hash}`} what="transaction hash" />
      </span>
    ),
    posted: <span class="quiet">Workers volunteer now. Keep a tab open: keys are handed out from here.</span>,
  };
  return <div class="steps-detail">{stage !== undefined && detail[stage]}</div>;
}

function GoOn({ state }: { state: PostingState }) {
  const needsToken = useStore(node, ({ status }) => status?.acceptsContent?.token === true);
  return (
    <>
      {state.stage === 'sign' && <WalletBox />}
      {state.stage === 'upload' && needsToken && (
        <TextField
          label="Token of this chain node"
          hint="From whoever runs it."
          value={contentToken()}
          onValue={setContentToken}
        />
      )}
      <div class="controls">
        <button type="button" class="primary" onClick={() => void continuePosting()}>
          {state.error === undefined ? 'Go on' : 'Try again'}
        </button>
        <button type="button" onClick={() => void forgetPosting()}>
          Give it up
        </button>
      </div>
    </>
  );
}
