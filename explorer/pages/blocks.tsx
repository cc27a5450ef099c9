/** All blocks, a page at a time. The address says where the page begins, so it can be passed on and come back to. */
import { ask, latestHeight, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { goTo } from '../router.ts';
import type { Glance } from '../rpc/shapes.ts';
import { formatMs, formatNumber, formatPercent } from '../ui/format.ts';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Loaded, PageHead, Table, Tag } from '../ui/parts.tsx';
import { Account, Height, Time } from '../ui/values.tsx';

const PAGE = 25;

export function BlocksPage({ from }: { from: number | undefined }) {
  const height = useStore(node, (state) => state.height);
  const top = from ?? height;
  const query = useQuery(`blocks ${from ?? 'latest'}`, () => blocksBelow(from), { live: from === undefined });
  // The head may be further by now than what is shown.
  const shown = query.data;
  return (
    <>
      <PageHead title="Blocks" kind="Chain">
        <JumpTo height={height} />
      </PageHead>
      <Card
        title={`Blocks ${formatNumber(shown?.at(-1)?.number ?? Math.max(0, top - PAGE + 1))} to ${formatNumber(shown?.[0]?.number ?? Math.max(0, top))}`}
        side={<Pager from={from} top={top} height={height} />}
      >
        <Loaded query={query} rows={PAGE}>
          {(blocks) => <BlockTable blocks={blocks} />}
        </Loaded>
      </Card>
    </>
  );
}

function Pager({ from, top, height }: { from: number | undefined; top: number; height: number }) {
  const newer = top + PAGE;
  return (
    <nav class="pager" aria-label="Pages of blocks">
      {from !== undefined && (
        <>
          <Link to="/blocks" class="button">
            Latest
          </Link>
          <Link to={newer >= height ? '/blocks' : `/blocks/${newer}`} class="button">
            Newer
          </Link>
        </>
      )}
      {top >= PAGE && (
        <Link to={`/blocks/${top - PAGE}`} class="button">
          Older
        </Link>
      )}
    </nav>
  );
}

/** The way to any height of a long chain. */
function JumpTo({ height }: { height: number }) {
  const jump = (event: SubmitEvent): void => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem('height') as HTMLInputElement;
    if (/^\d{1,15}$/.test(input.value.trim())) goTo(`/blocks/${Math.min(Number(input.value), height)}`);
  };
  return (
    <form class="jump" onSubmit={jump}>
      <label>
        <span class="quiet">From block</span>
        <input name="height" inputMode="numeric" maxLength={15} placeholder={String(Math.max(0, height))} />
      </label>
      <button type="submit">Go</button>
    </form>
  );
}

function BlockTable({ blocks }: { blocks: readonly Glance[] }) {
  const finality = useStore(node, (state) => state.finality);
  if (blocks.length === 0) return <Empty>The chain has not come so far yet.</Empty>;
  return (
    <Table
      caption="Blocks"
      head={['#Height', 'Sealed by', 'Proposer', '#Transactions', '#Gas', '#Final in', '#Age']}
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
          <td class="right">{formatNumber(block.transactions.length)}</td>
          <td class="right">{formatPercent(Number(block.gasUsed) / Number(block.gasLimit))}</td>
          <td class="right">
            {finality.has(block.number) ? (
              formatMs(finality.get(block.number)!)
            ) : (
              <span class="quiet" title="this node did not time it, or forgot">
                –
              </span>
            )}
          </td>
          <td class="right">
            <Time at={block.timestamp} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

async function blocksBelow(from: number | undefined): Promise<Glance[]> {
  const top = from ?? (await latestHeight());
  const heights = Array.from({ length: Math.min(PAGE, top + 1) }, (_, i) => top - i);
  const blocks = await Promise.all(heights.map((height) => ask.glance(height)));
  return blocks.filter((block) => block !== null);
}
