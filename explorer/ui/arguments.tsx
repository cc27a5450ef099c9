/** Decoded values of calls and events, each shown as what it is. All of them are strangers'. */
import { type ParamType, Result } from 'ethers';
import type { ComponentChildren } from 'preact';
import { formatNumber } from './format.ts';
import { Account, Amount, Hash } from './values.tsx';

export interface Value {
  name: string;
  type: ParamType;
  value: unknown;
}

/** Longer lists are cut: whoever wrote them chose their length. */
const MAX_ITEMS = 64;
const MAX_BYTES_SHOWN = 200;
/** Integers with these names are wei in every contract of ours. */
const WEI =
  /^(?:amount|reward|value|stake|weight|escrow|workers|evaluators|auditors|burned|validators|refund|workerStake|minReward|pool|totalWeight|slashedWei)$|Stake$/;

export const argumentsOf = (inputs: readonly ParamType[], values: Result): Value[] =>
  inputs.map((type, i) => ({ name: type.name || `${i}`, type, value: values[i] as unknown }));

export function Arguments({ values }: { values: readonly Value[] }) {
  return (
    <dl class="facts arguments">
      {values.map(({ name, type, value }) => (
        <div key={name}>
          <dt>
            {name} <span class="type">{type.baseType === 'tuple' ? '' : type.type}</span>
          </dt>
          <dd>{shown(type, value, name)}</dd>
        </div>
      ))}
    </dl>
  );
}

function shown(type: ParamType, value: unknown, name: string): ComponentChildren {
  if (type.baseType === 'array') return shownList(type, value, name);
  if (type.baseType === 'tuple' && value instanceof Result)
    return <Arguments values={argumentsOf(type.components ?? [], value)} />;
  if (type.type === 'address') return <Account address={String(value)} />;
  if (type.type === 'bytes32') return <Hash value={String(value)} />;
  if (type.type === 'bytes') return <Bytes hex={String(value)} />;
  if (typeof value === 'bigint')
    return type.type === 'uint256' && WEI.test(name) ? <Amount wei={value} /> : formatNumber(value);
  return String(value).slice(0, 500);
}

function shownList(type: ParamType, value: unknown, name: string): ComponentChildren {
  const items: unknown[] = value instanceof Result ? value.toArray() : [];
  if (items.length === 0) return <span class="quiet">none</span>;
  return (
    <ol class="items">
      {items.slice(0, MAX_ITEMS).map((item, i) => (
        <li key={i}>{shown(type.arrayChildren!, item, name)}</li>
      ))}
      {items.length > MAX_ITEMS && <li>and {items.length - MAX_ITEMS} more</li>}
    </ol>
  );
}

/** Text where the bytes are plain text, as content ids are. */
function Bytes({ hex }: { hex: string }) {
  const pairs = hex.slice(2, 2 + 2 * MAX_BYTES_SHOWN).match(/../g) ?? [];
  const codes = pairs.map((pair) => Number.parseInt(pair, 16));
  const isText = codes.length > 0 && codes.every((code) => code > 32 && code < 127);
  const text = isText ? String.fromCharCode(...codes) : hex;
  return <Hash value={text} what="bytes" />;
}
