/** The network as this chain node sees it: itself in the middle, chain nodes around it, workers and evaluators beyond. */
import type { Kind, Member } from '../data/network.ts';
import { formatNumber } from './format.ts';

const WIDTH = 760;
const HEIGHT = 420;
const MIDDLE = { x: WIDTH / 2, y: HEIGHT / 2 };
/** Half axes of the rings that chain nodes and everybody else stand on. */
const INNER = { x: 165, y: 92 };
const OUTER = { x: 330, y: 182 };
/** More dots than this are no map any more; the table below has everybody. */
const MOST = 160;

export const KIND_WORDS: Readonly<Record<Kind, string>> = {
  chain: 'chain node',
  worker: 'worker',
  evaluator: 'evaluator',
  other: 'other',
};

interface Place {
  member: Member;
  x: number;
  y: number;
}

/** Spread evenly around the ring, from its top. */
const around = (members: readonly Member[], ring: typeof INNER, turn: number): Place[] =>
  members.map((member, i) => {
    const angle = 2 * Math.PI * ((i + turn) / members.length) - Math.PI / 2;
    return { member, x: MIDDLE.x + ring.x * Math.cos(angle), y: MIDDLE.y + ring.y * Math.sin(angle) };
  });

interface Props {
  members: readonly Member[];
  chosen: string | undefined;
  onChoose: (peerId: string | undefined) => void;
}

export function NetworkMap({ members, chosen, onChoose }: Props) {
  const shown = members.slice(0, MOST);
  const places = [
    ...around(
      shown.filter(({ kind }) => kind === 'chain'),
      INNER,
      0,
    ),
    ...around(
      shown.filter(({ kind }) => kind !== 'chain'),
      OUTER,
      0.5,
    ),
  ];
  const size = places.length > 60 ? 6 : places.length > 24 ? 9 : 13;
  const connected = members.filter(({ link }) => link !== null).length;
  const counts = Object.entries(KIND_WORDS)
    .map(([kind, words]) => ({ words, count: members.filter((one) => one.kind === kind).length }))
    .filter(({ count }) => count > 0);
  const summary = `This chain node with ${formatNumber(connected)} connections: ${counts.map(({ words, count }) => `${count} × ${words}`).join(', ')}`;
  return (
    <figure class="network">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary}>
        <ellipse class="ring" cx={MIDDLE.x} cy={MIDDLE.y} rx={INNER.x} ry={INNER.y} />
        <ellipse class="ring" cx={MIDDLE.x} cy={MIDDLE.y} rx={OUTER.x} ry={OUTER.y} />
        {places.map(
          ({ member: { peerId, kind, link }, x, y }) =>
            link !== null && (
              <line
                key={peerId}
                class={`wire ${kind} ${peerId === chosen ? 'chosen' : ''}`}
                x1={MIDDLE.x}
                y1={MIDDLE.y}
                x2={x}
                y2={y}
              />
            ),
        )}
        {places.map(({ member: { peerId, kind, link }, x, y }) => (
          <circle
            key={peerId}
            class={`dot-${kind} ${link === null ? 'away' : ''} ${peerId === chosen ? 'chosen' : ''}`}
            cx={x}
            cy={y}
            r={peerId === chosen ? size + 4 : size}
            onPointerEnter={() => onChoose(peerId)}
            onPointerLeave={() => onChoose(undefined)}
          >
            <title>{`${KIND_WORDS[kind]} ${peerId.slice(-8)}${link === null ? ', not connected with this node' : ''}`}</title>
          </circle>
        ))}
        <circle class="dot-self" cx={MIDDLE.x} cy={MIDDLE.y} r="20" />
        <path class="dot-self-mark" d={`m${MIDDLE.x - 8} ${MIDDLE.y + 1} 6 6 11-12`} />
      </svg>
      <ul class="legend">
        {counts.map(({ words, count }) => (
          <li key={words}>
            <i class={`swatch ${Object.entries(KIND_WORDS).find(([, one]) => one === words)![0]}`} /> {count}{' '}
            {words}
            {count > 1 && 's'}
          </li>
        ))}
        <li>
          <i class="swatch away" /> registered, not connected with this node
        </li>
      </ul>
    </figure>
  );
}
