/** The chain's contracts: every view can be asked here, and with a wallet every function called. */
import type { FunctionFragment, ParamType, Result } from 'ethers';
import { useState } from 'preact/hooks';
import type { Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { ask, contractAt, node } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { useQuery } from '../node/useQuery.ts';
import { Arguments, argumentsOf } from '../ui/arguments.tsx';
import { lazy } from '../ui/lazy.tsx';
import { Link } from '../ui/link.tsx';
import { Card, Empty, Failure, Loading, PageHead } from '../ui/parts.tsx';
import { Account, contractName } from '../ui/values.tsx';

const WriteTab = lazy<{ contract: string }>(() =>
  import('../wallet/writeTab.tsx').then((part) => part.WriteTab),
);

export function ContractsPage({ name }: { name: string }) {
  const contracts = useStore(node, ({ status }) => status?.contracts);
  const codec = codecOf(name);
  const address = contracts?.[name];
  const views: FunctionFragment[] = [];
  codec?.forEachFunction((fragment) => {
    if (fragment.constant) views.push(fragment);
  });
  const [isWriting, setWriting] = useState(false);
  const title = (address && contractName(contracts, address)) ?? 'Contracts';
  return (
    <>
      <PageHead title={title} kind="Contract">
        {address && <Account address={address} full />}
      </PageHead>
      <nav class="tabs" aria-label="Contracts">
        {Object.keys(contracts ?? {})
          .filter((key) => contracts?.[key] && codecOf(key) !== undefined)
          .map((key) => (
            <Link key={key} to={`/contracts/${key}`} current={key === name}>
              {contractName(contracts, contracts![key]!) ?? key}
            </Link>
          ))}
      </nav>
      <fieldset class="tabs">
        <legend class="unseen">Read or write</legend>
        <button type="button" aria-pressed={!isWriting} onClick={() => setWriting(false)}>
          Read
        </button>
        <button type="button" aria-pressed={isWriting} onClick={() => setWriting(true)}>
          Write
        </button>
      </fieldset>
      {contracts === undefined ? (
        <Loading rows={8} />
      ) : codec === undefined || !address ? (
        <Card>
          <Empty>This chain has no contract of that name.</Empty>
        </Card>
      ) : isWriting ? (
        <WriteTab key={name} contract={name} />
      ) : (
        <div class="views">
          {views.map((view) => (
            <ViewCard key={`${name}.${view.format()}`} contract={name} view={view} />
          ))}
        </div>
      )}
    </>
  );
}

async function readView(
  contract: string,
  view: FunctionFragment,
  values: readonly string[],
): Promise<Result> {
  const codec = codecOf(contract)!;
  const data = codec.encodeFunctionData(
    view,
    values.map((value) => value.trim()),
  ) as Hex;
  return codec.decodeFunctionResult(view, await ask.call(await contractAt(contract), data));
}

function ViewCard({ contract, view }: { contract: string; view: FunctionFragment }) {
  return (
    <Card title={view.name}>
      {view.inputs.length === 0 ? (
        <PlainView contract={contract} view={view} />
      ) : (
        <AskedView contract={contract} view={view} />
      )}
    </Card>
  );
}

const named = (outputs: readonly ParamType[], result: Result) =>
  argumentsOf(outputs, result).map((one) => ({ ...one, name: /^\d+$/.test(one.name) ? 'answer' : one.name }));

function PlainView({ contract, view }: { contract: string; view: FunctionFragment }) {
  const query = useQuery(`${contract}.${view.name}`, () => readView(contract, view, []), { live: true });
  if (query.data !== undefined) return <Arguments values={named(view.outputs, query.data)} />;
  return query.error === undefined ? <Loading rows={1} /> : <Failure error={query.error} />;
}

function AskedView({ contract, view }: { contract: string; view: FunctionFragment }) {
  const [values, setValues] = useState<readonly string[]>(view.inputs.map(() => ''));
  const [outcome, setOutcome] = useState<{ result?: Result; error?: unknown }>({});
  const read = (event: Event): void => {
    event.preventDefault();
    readView(contract, view, values).then(
      (result) => setOutcome({ result }),
      (error: unknown) => setOutcome({ error: asked(error) }),
    );
  };
  return (
    <form class="ask" onSubmit={read}>
      {view.inputs.map((input, i) => (
        <label key={input.name}>
          <span>
            {input.name || `argument ${i + 1}`} <span class="type">{input.type}</span>
          </span>
          <input
            class="mono"
            value={values[i]}
            maxLength={2_000}
            spellcheck={false}
            autocomplete="off"
            onInput={({ currentTarget }) =>
              setValues(values.map((value, at) => (at === i ? currentTarget.value : value)))
            }
          />
        </label>
      ))}
      <button type="submit">Read</button>
      <div aria-live="polite">
        {outcome.result !== undefined && <Arguments values={named(view.outputs, outcome.result)} />}
        {outcome.error !== undefined && <Failure error={outcome.error} />}
      </div>
    </form>
  );
}

/** Ethers' messages carry whole objects behind their first words. */
function asked(error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new RangeError(text.split(' (')[0]!.slice(0, 200));
}
