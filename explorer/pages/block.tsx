/** One block: what it holds, who signed it, and what training sealed it. */
import { useState } from 'preact/hooks';
import type { Hex } from '../../core/index.ts';
import { isSigner, signedShare } from '../data/blocks.ts';
import { summaryOf } from '../decode/summary.tsx';
import { ask, chainStatus, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import type { Block, Commit, Validators, Verdict, Work } from '../rpc/shapes.ts';
import {
  absoluteTime,
  formatBytes,
  formatGwei,
  formatMs,
  formatNumber,
  formatPercent,
} from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Facts, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { Account, Amount, Hash, JobLink, Time } from '../ui/values.tsx';
import { VerifyHere } from '../ui/verify.tsx';

interface BlockView {
  block: Block;
  commit: Commit | null;
  validators: Validators;
  contracts: Readonly<Record<string, string | null>>;
}

async function loadBlock(id: string): Promise<BlockView | null> {
  const block = id.startsWith('0x') ? await ask.blockByHash(id as Hex) : await ask.block(Number(id));
  if (block === null) return null;
  const [commit, validators, { contracts }] = await Promise.all([
    ask.commit(block.number),
    ask.validators(Math.max(1, block.number)),
    chainStatus(),
  ]);
  return { block, commit, validators, contracts };
}

export function BlockPage({ id }: { id: string }) {
  const query = useQuery(`block ${id}`, () => loadBlock(id));
  const height = query.data?.block.number ?? (id.startsWith('0x') ? undefined : Number(id));
  return (
    <>
      <PageHead title={height === undefined ? 'Block' : `Block ${formatNumber(height)}`} kind="Chain">
        {height !== undefined && <Neighbours height={height} />}
      </PageHead>
      <Loaded query={query} rows={10}>
        {(view) =>
          view === null ? (
            <Card>
              <Empty>There is no such block yet. The newest blocks are on the chain's page.</Empty>
            </Card>
          ) : (
            <Contents view={view} />
          )
        }
      </Loaded>
    </>
  );
}

function Neighbours({ height }: { height: number }) {
  const latest = useStore(node, (state) => state.height);
  return (
    <nav class="pager" aria-label="Neighbouring blocks">
      {height > 0 && (
        <Link to={`/block/${height - 1}`} class="button">
          Previous
        </Link>
      )}
      {height < latest && (
        <Link to={`/block/${height + 1}`} class="button">
          Next
        </Link>
      )}
    </nav>
  );
}

function Contents({ view }: { view: BlockView }) {
  const { block, contracts } = view;
  const { work } = block.usefulWork;
  const verdict = block.courtVerdict;
  return (
    <>
      <div class="columns even">
        <Card title="Header">
          <HeaderFacts block={block} />
        </Card>
        <Card title="Votes">
          <Votes view={view} />
        </Card>
      </div>
      {work !== null && (
        <>
          <WorkSection work={work} />
          <VerifyHere height={block.number} />
        </>
      )}
      {verdict !== null && (
        <>
          <VerdictSection verdict={verdict} />
          <VerifyHere height={block.number} of="verdict" />
        </>
      )}
      <Transactions key={block.hash} block={block} contracts={contracts} />
    </>
  );
}

const TRANSACTIONS_SHOWN = 50;

function Transactions({ block, contracts }: Pick<BlockView, 'block' | 'contracts'>) {
  const [shown, setShown] = useState(TRANSACTIONS_SHOWN);
  const { transactions } = block;
  return (
    <Card title={`Transactions (${formatNumber(transactions.length)})`}>
      {transactions.length === 0 ? (
        <Empty>This block has no transactions: the chain goes on without.</Empty>
      ) : (
        <Table caption="Transactions of the block" head={['Transaction', 'From', 'What it did', '#Value']}>
          {transactions.slice(0, shown).map((transaction) => (
            <tr key={transaction.hash}>
              <td>
                <Hash value={transaction.hash} to={`/tx/${transaction.hash}`} what="transaction hash" />
              </td>
              <td>
                <Account address={transaction.from} />
              </td>
              <td class="wide">{summaryOf(contracts, transaction)}</td>
              <td class="right">
                <Amount wei={transaction.value} />
              </td>
            </tr>
          ))}
        </Table>
      )}
      {shown < transactions.length && (
        <div class="controls">
          <button type="button" onClick={() => setShown(shown + TRANSACTIONS_SHOWN)}>
            Show {Math.min(TRANSACTIONS_SHOWN, transactions.length - shown)} more of{' '}
            {formatNumber(transactions.length)}
          </button>
        </div>
      )}
    </Card>
  );
}

function VerdictSection({ verdict }: { verdict: Verdict }) {
  return (
    <Card title="Judged in this block" class="work">
      <Facts
        rows={[
          [
            'Verdict',
            <Tag key="v" tone={verdict.guilty ? 'bad' : 'good'}>
              {verdict.guilty ? 'guilty: executed again, the steps end elsewhere' : 'innocent'}
            </Tag>,
          ],
          [
            'Case',
            <span key="v">
              {verdict.caseId}: segment {verdict.segment} of <JobLink id={verdict.taskId} />
            </span>,
          ],
          ['Worker', <Account key="v" address={verdict.worker} />],
          ['Trace root', <Hash key="v" value={verdict.traceRoot} />],
          ['Bundle', <Hash key="v" value={verdict.workProof} what="content id" />],
        ]}
      />
    </Card>
  );
}

function HeaderFacts({ block }: { block: Block }) {
  const { finalModelHash } = block.usefulWork;
  const final = useStore(node, ({ finality }) => finality.get(block.number));
  return (
    <Facts
      rows={[
        ['Hash', <Hash key="v" value={block.hash} full what="block hash" />],
        [
          'Time',
          <span key="v">
            {absoluteTime(block.timestamp)}{' '}
            <span class="quiet">
              (<Time at={block.timestamp} />)
            </span>
          </span>,
        ],
        final !== undefined && ['Final', `${formatMs(final)} after its height began, timed by this node`],
        ['Proposer', <Account key="v" address={block.miner} />],
        [
          'Gas used',
          `${formatNumber(block.gasUsed)} of ${formatNumber(block.gasLimit)} (${formatPercent(Number(block.gasUsed) / Number(block.gasLimit))})`,
        ],
        ['Base fee', formatGwei(block.baseFeePerGas)],
        ['Size', formatBytes(block.size)],
        ['Parent', <Hash key="v" value={block.parentHash} to={`/block/${Math.max(0, block.number - 1)}`} />],
        ['State root', <Hash key="v" value={block.stateRoot} />],
        ['Beacon', <Hash key="v" value={block.mixHash} what="beacon" />],
        finalModelHash !== null && ['Final model', <Hash key="v" value={finalModelHash} what="model hash" />],
      ]}
    />
  );
}

function Votes({ view: { block, commit, validators } }: { view: BlockView }) {
  if (block.number === 0)
    return <Empty>The first block is given by the chain spec: nobody votes on it.</Empty>;
  const share = signedShare(commit, validators);
  return (
    <>
      <div
        class="meter"
        role="img"
        aria-label={`${formatPercent(share, 0)} of the stake signed; two thirds are needed`}
      >
        <i style={{ width: `${100 * share}%` }} />
        <b />
      </div>
      <p class="quiet">
        {formatPercent(share, 0)} of the stake signed, more than two thirds are needed. Made in consensus
        round {commit?.section.round ?? 0}, committed in {commit?.commit?.round ?? 0}.
      </p>
      <ul class="rows">
        {validators.map(({ address, power }, index) => (
          <li key={address} class="row">
            <Account address={address} />
            <span class="row-main">
              <Amount wei={power} places={0} />
            </span>
            {isSigner(commit, index) ? <Tag tone="good">signed</Tag> : <Tag>not in the commit</Tag>}
          </li>
        ))}
      </ul>
    </>
  );
}

export function WorkSection({ work }: { work: Work }) {
  return (
    <Card
      title="Sealed by training"
      side={<Link to={`/proof/${work.drawHeight}`}>The draw</Link>}
      class="work"
    >
      <Facts
        rows={[
          [
            'Training',
            <span key="v">
              segment {work.segment} of <JobLink id={work.taskId} />, rank {work.rank} of the draw at{' '}
              <Link to={`/proof/${work.drawHeight}`}>block {work.drawHeight}</Link>
            </span>,
          ],
          ['Worker', <Account key="v" address={work.worker} />],
          ['Opened by', <Account key="v" address={work.opener} />],
          ['Burned by all that was drawn from', <Amount key="v" wei={work.totalWeight} />],
          ['Trace root', <Hash key="v" value={work.traceRoot} />],
          ['Model after the segment', <Hash key="v" value={work.modelHash} what="model hash" />],
          ['Bundle', <Hash key="v" value={work.workProof} what="content id" />],
        ]}
      />
    </Card>
  );
}
