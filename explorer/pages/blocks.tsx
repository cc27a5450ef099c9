/** All blocks, a page at a time, and one that carries work on demand. */
import { useState } from 'preact/hooks';
import { ask, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber, formatPercent } from '../ui/format.ts';
import { Card, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { Account, Height, Time } from '../ui/values.tsx';

const PAGE = 25;

export function BlocksPage() {
  const height = useStore(node, (state) => state.height);
  const [from, setFrom] = useState<number | undefined>(undefined);
  const top = from ?? height;
  const query = useQuery(`blocks ${from ?? 'latest'}`, () => blocksBelow(top), { live: from === undefined });
  return (
    <>
      <PageHead title="Blocks" kind="Chain" />
      <Card
        title={`Blocks ${formatNumber(Math.max(0, top - PAGE + 1))} to ${formatNumber(Math.max(0, top))}`}
        side={
          <nav class="pager" aria-label="Pages of blocks">
            <button type="button" disabled={from === undefined} onClick={() => setFrom(undefined)}>
              Latest
            </button>
            <button
              type="button"
              disabled={from === undefined}
              onClick={() => setFrom(top + PAGE >= height ? undefined : top + PAGE)}
            >
              Newer
            </button>
            <button type="button" disabled={top < PAGE} onClick={() => setFrom(top - PAGE)}>
              Older
            </button>
          </nav>
        }
      >
        <Loaded query={query} rows={PAGE}>
          {(blocks) => (
            <Table
              caption="Blocks"
              head={['#Height', 'Sealed by', 'Proposer', '#Transactions', '#Gas', 'Age']}
            >
              {blocks.map((block) => (
                <tr key={block.number}>
                  <td class="right">
                    <Height height={block.number} />
                  </td>
                  <td>
                    {block.usefulWork.work === null ? (
                      <span class="quiet">votes</span>
                    ) : (
                      <Tag tone="work">training, job {block.usefulWork.work.taskId.toString()}</Tag>
                    )}
                  </td>
                  <td>
                    <Account address={block.miner} />
                  </td>
                  <td class="right">{block.transactions.length}</td>
                  <td class="right">{formatPercent(Number(block.gasUsed) / Number(block.gasLimit))}</td>
                  <td>
                    <Time at={block.timestamp} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Loaded>
      </Card>
    </>
  );
}

async function blocksBelow(top: number) {
  const latest = top < 0 ? (await ask.status()).height : top;
  const heights = Array.from({ length: Math.min(PAGE, latest + 1) }, (_, i) => latest - i);
  const blocks = await Promise.all(heights.map((height) => ask.block(height)));
  return blocks.filter((block) => block !== null);
}
