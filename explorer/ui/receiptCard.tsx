/** The receipt of a settled job: what the chain keeps of it for ever, its hash computed here and compared. */
import { hashReceipt, isFinal, type Job } from '../../market/index.ts';
import { openMarket } from '../node/node.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatPercent } from './format.ts';
import { Card, Empty, Facts, Loaded, Tag } from './parts.tsx';
import { Account, Amount, Hash } from './values.tsx';

async function readReceipt(id: bigint) {
  const market = await openMarket();
  const [receipt, hash] = await Promise.all([market.jobReceipt(id), market.receiptHash(id)]);
  return { receipt, hash, computed: hashReceipt(receipt) };
}

export function ReceiptCard({ job }: { job: Job }) {
  // One that was cancelled before it began leaves none.
  if (job.state === 'Cancelled') return null;
  if (!isFinal(job.state)) {
    return (
      <Card title="Receipt">
        <Empty>The chain writes a receipt when the job is settled: who was paid what, for which model.</Empty>
      </Card>
    );
  }
  return <Settled id={job.id} />;
}

function Settled({ id }: { id: bigint }) {
  const query = useQuery(`receipt ${id}`, () => readReceipt(id));
  const isRight = query.data !== undefined && query.data.hash === query.data.computed;
  return (
    <Card
      title="Receipt"
      side={
        query.data && (
          <Tag tone={isRight ? 'good' : 'bad'}>{isRight ? 'hash checked here' : 'hash does not match'}</Tag>
        )
      }
    >
      <Loaded query={query} rows={5}>
        {({ receipt, hash }) => (
          <Facts
            rows={[
              ['Receipt hash on chain', <Hash key="v" value={hash} what="receipt hash" />],
              ['Client', <Account key="v" address={receipt.client} />],
              ['Ended', `${receipt.state}${receipt.exit === 'None' ? '' : `: ${receipt.exit}`}`],
              receipt.agreed.total > 0 && [
                'Score',
                `${receipt.agreed.correct} of ${receipt.agreed.total} (${formatPercent(receipt.agreed.correct / receipt.agreed.total)})`,
              ],
              receipt.modelCid !== '' && [
                'Model',
                <Hash key="v" value={receipt.modelHash} what="model hash" />,
              ],
              ['Escrow', <Amount key="v" wei={receipt.payouts.escrow} places={6} />],
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
