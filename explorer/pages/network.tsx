/** The network map: who is connected with this chain node, in what role, how far, with what version. */
import { useState } from 'preact/hooks';
import { type Member, readNetwork } from '../data/network.ts';
import { node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { formatNumber, formatSpan } from '../ui/format.ts';
import { KIND_WORDS, NetworkMap } from '../ui/networkMap.tsx';
import { Card, Empty, Figures, Loaded, PageHead, Table, Tag, type Tone } from '../ui/parts.tsx';
import { Account, Copy, Height } from '../ui/values.tsx';

const SHOWN = 50;
const TONES: Readonly<Record<Member['kind'], Tone>> = {
  chain: 'good',
  worker: 'work',
  evaluator: 'busy',
  other: 'plain',
};

export function NetworkPage() {
  const query = useQuery('network', readNetwork, { live: 5 });
  return (
    <>
      <PageHead title="Network" kind="Chain">
        <p class="lead">Who this chain node is connected with. Names only: where they are stays theirs.</p>
      </PageHead>
      <Loaded query={query} rows={10}>
        {({ members }) => <Contents members={members} />}
      </Loaded>
    </>
  );
}

function Contents({ members }: { members: readonly Member[] }) {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const [count, setCount] = useState(SHOWN);
  const height = useStore(node, (state) => state.height);
  const connected = members.filter(({ link }) => link !== null);
  const heights = connected.flatMap(({ link }) => (link?.height == null ? [] : [link.height]));
  return (
    <>
      <Figures
        items={[
          { label: 'Connections', value: formatNumber(connected.length), note: 'of this chain node' },
          {
            label: 'Chain nodes',
            value: formatNumber(connected.filter(({ kind }) => kind === 'chain').length),
            note: 'run this chain',
          },
          {
            label: 'Workers and evaluators',
            value: formatNumber(connected.filter(({ person }) => person !== undefined).length),
            note: `of ${members.filter(({ person }) => person !== undefined).length} registered`,
          },
          {
            label: 'Best height',
            value: formatNumber(Math.max(height, ...heights, 0)),
            note: heights.length === 0 ? 'no other node said one' : `said by ${heights.length} of them`,
          },
        ]}
      />
      <Card title="Map">
        {members.length === 0 ? (
          <Empty>
            This node is alone. Another joins with <code>fedai chain run --bootstrap</code> and this node's
            address.
          </Empty>
        ) : (
          <NetworkMap members={members} chosen={chosen} onChoose={setChosen} />
        )}
      </Card>
      {members.length > 0 && (
        <Card title={`Everybody (${members.length})`}>
          <Table
            caption="Peers"
            head={['Peer', 'Role', 'Account', '#Height', 'Runs', 'Who called', '#Connected for']}
          >
            {members.slice(0, count).map((member) => (
              <PeerRow key={member.peerId} member={member} isChosen={member.peerId === chosen} />
            ))}
          </Table>
          {count < members.length && (
            <div class="controls">
              <button type="button" onClick={() => setCount(count + SHOWN)}>
                Show more
              </button>
            </div>
          )}
        </Card>
      )}
    </>
  );
}

function PeerRow({
  member: { peerId, kind, link, person },
  isChosen,
}: {
  member: Member;
  isChosen: boolean;
}) {
  return (
    <tr class={isChosen ? 'chosen' : ''}>
      <td>
        <span class="value">
          <span class="mono" title={peerId}>
            {peerId.slice(0, 8)}…{peerId.slice(-6)}
          </span>
          <Copy text={peerId} what="peer id" />
        </span>
      </td>
      <td>
        <Tag tone={TONES[kind]}>{KIND_WORDS[kind]}</Tag>
      </td>
      <td>{person === undefined ? <span class="quiet">–</span> : <Account address={person.address} />}</td>
      <td class="right">{link?.height == null ? '–' : <Height height={link.height} />}</td>
      <td>{link === null ? <span class="quiet">not connected here</span> : (link.version ?? 'unknown')}</td>
      <td>{link === null ? '–' : link.direction === 'inbound' ? 'it called' : 'this node called'}</td>
      <td class="right">{link === null ? '–' : formatSpan(link.connectedSeconds)}</td>
    </tr>
  );
}
