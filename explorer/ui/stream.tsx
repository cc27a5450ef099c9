/** The latest blocks as a row of bars that grows to the left: height is gas, colour is what sealed it. */
import type { Glance } from '../rpc/shapes.ts';
import { formatNumber } from './format.ts';
import { Link } from './link.tsx';

/** Of a bar's height in percent: an empty block is still a block. */
const LEAST = 24;

/** Gas differs by orders of magnitude, so bars follow its root. */
const heightOf = ({ gasUsed }: Glance, most: number): number =>
  LEAST + (100 - LEAST) * Math.sqrt(Number(gasUsed) / most);

export function BlockStream({ blocks }: { blocks: readonly Glance[] }) {
  const most = Math.max(1, ...blocks.map(({ gasUsed }) => Number(gasUsed)));
  return (
    <nav class="stream" aria-label="Latest blocks">
      {blocks.length === 0 && <span class="stream-wait">Waiting for blocks…</span>}
      {blocks.map((block) => (
        <Link
          key={block.number}
          to={`/block/${block.number}`}
          class={`bar ${block.usefulWork.work === null ? '' : 'work'}`}
          title={`Block ${formatNumber(block.number)}: ${block.transactions.length} transactions${block.usefulWork.work === null ? '' : ', sealed by training'}`}
        >
          <i style={{ height: `${heightOf(block, most)}%` }} />
          <span class="unseen">
            Block {block.number}
            {block.usefulWork.work !== null && ', sealed by training'}
          </span>
        </Link>
      ))}
    </nav>
  );
}
