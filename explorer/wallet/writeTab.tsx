/** Every function of a contract that changes something: typed fields, tried on the chain node first, then signed by the wallet. */
import type { FunctionFragment, Interface, ParamType } from 'ethers';
import { useState } from 'preact/hooks';
import { FedaiError, type Hex } from '../../core/index.ts';
import { codecOf } from '../decode/abis.ts';
import { emptyOf, type Typed, TypedFault, typedValue } from '../decode/typed.ts';
import { contractAt, transport } from '../node/node.ts';
import { useStore } from '../node/store.ts';
import { parseTrain } from '../post/form.ts';
import { Field, TextField } from '../ui/field.tsx';
import { formatNumber } from '../ui/format.ts';
import { Card, Empty, Failure, Tag } from '../ui/parts.tsx';
import { Hash, Height } from '../ui/values.tsx';
import { WalletBox } from '../ui/wallet.tsx';
import { createWalletSender, simulate } from './sender.ts';
import { wallet } from './wallet.ts';

export function WriteTab({ contract }: { contract: string }) {
  const codec = codecOf(contract);
  const functions: FunctionFragment[] = [];
  codec?.forEachFunction((fragment) => {
    if (!fragment.constant) functions.push(fragment);
  });
  if (codec === undefined || functions.length === 0)
    return (
      <Card>
        <Empty>Nothing can be written here.</Empty>
      </Card>
    );
  return (
    <>
      <Card title="Wallet">
        <WalletBox />
      </Card>
      <div class="views">
        {functions.map((one) => (
          <Write key={`${contract}.${one.format()}`} contract={contract} codec={codec} fragment={one} />
        ))}
      </div>
    </>
  );
}

interface WriteProps {
  contract: string;
  codec: Interface;
  fragment: FunctionFragment;
}

type Outcome =
  | { state: 'idle' }
  | { state: 'trying' | 'asking' }
  | { state: 'tried'; gas: bigint }
  | { state: 'sent'; hash: string }
  | { state: 'mined'; hash: string; height: number; gas: bigint }
  | { state: 'failed'; error: unknown };

interface Call {
  to: Hex;
  data: Hex;
  value: bigint;
}

/** What is wrong with each input, by its place; undefined where all is well. */
function faultOf(type: ParamType, typed: Typed): string | undefined {
  try {
    typedValue(type, typed);
    return undefined;
  } catch (error) {
    if (error instanceof TypedFault) return error.message;
    throw error;
  }
}

function Write({ contract, codec, fragment }: WriteProps) {
  const account = useStore(wallet, (state) => state.account);
  const [values, setValues] = useState<readonly Typed[]>(fragment.inputs.map(emptyOf));
  const [value, setValue] = useState('0');
  const [isShown, setShown] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>({ state: 'idle' });
  const wei = fragment.payable ? parseTrain(value) : 0n;
  const isWrong =
    wei === undefined || fragment.inputs.some((type, i) => faultOf(type, values[i]!) !== undefined);
  const callOf = async (): Promise<Call> => ({
    to: await contractAt(contract),
    data: codec.encodeFunctionData(
      fragment,
      fragment.inputs.map((type, i) => typedValue(type, values[i]!)),
    ) as Hex,
    value: wei!,
  });
  const run = (work: () => Promise<Outcome>, first: Outcome): void => {
    setShown(true);
    if (isWrong) return;
    setOutcome(first);
    work().then(setOutcome, (error: unknown) => setOutcome({ state: 'failed', error: told(codec, error) }));
  };
  const attempt = async (): Promise<Outcome> => {
    const gas = await simulate(transport, account ?? NOBODY, { call: fragment.name, ...(await callOf()) });
    return { state: 'tried', gas };
  };
  const send = async (): Promise<Outcome> => {
    const onSent = (hash: string): void => setOutcome({ state: 'sent', hash });
    const sender = createWalletSender({ transport, account: account!, onSent });
    const { hash, height, gasUsed } = await sender.send({ call: fragment.name, ...(await callOf()) });
    return { state: 'mined', hash, height, gas: gasUsed };
  };
  return (
    <Card title={fragment.name} side={fragment.payable && <Tag>takes TRAIN</Tag>}>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          run(attempt, { state: 'trying' });
        }}
      >
        {fragment.inputs.map((type, i) => (
          <TypedInput
            key={`${i}.${type.name}`}
            type={type}
            name={type.name || `argument ${i + 1}`}
            typed={values[i]!}
            isShown={isShown}
            onTyped={(typed) => {
              setValues(values.map((one, at) => (at === i ? typed : one)));
              setOutcome({ state: 'idle' });
            }}
          />
        ))}
        {fragment.payable && (
          <TextField
            label="Value to send"
            unit="TRAIN"
            numeric
            value={value}
            error={wei === undefined ? 'an amount, such as 12.5' : undefined}
            onValue={setValue}
          />
        )}
        <Buttons
          state={outcome.state}
          hasWallet={account !== undefined}
          onWrite={() => run(send, { state: 'asking' })}
        />
        <div aria-live="polite">
          <Told outcome={outcome} isNobody={account === undefined} />
        </div>
      </form>
    </Card>
  );
}

interface ButtonsProps {
  state: Outcome['state'];
  hasWallet: boolean;
  onWrite: () => void;
}

function Buttons({ state, hasWallet, onWrite }: ButtonsProps) {
  const isBusy = ['trying', 'asking', 'sent'].includes(state);
  return (
    <div class="controls">
      <button type="submit" disabled={isBusy}>
        {state === 'trying' ? 'Trying…' : 'Try it'}
      </button>
      <button
        type="button"
        class="primary"
        disabled={isBusy || !hasWallet}
        title={hasWallet ? '' : 'Connect a wallet first'}
        onClick={onWrite}
      >
        {state === 'asking' ? 'The wallet asks…' : 'Write'}
      </button>
    </div>
  );
}

/** In whose name a call is tried while no wallet is connected. */
const NOBODY: Hex = `0x${'0'.repeat(40)}`;

function Told({ outcome, isNobody }: { outcome: Outcome; isNobody: boolean }) {
  if (outcome.state === 'failed') return <Failure error={outcome.error} />;
  if (outcome.state === 'tried')
    return (
      <p class="simulated">
        <Tag tone="good">would succeed</Tag> with at most {formatNumber(outcome.gas)} gas
        {isNobody && ', for an account of zeros: connect a wallet to try it as yours'}
      </p>
    );
  if (outcome.state === 'sent' || outcome.state === 'mined')
    return (
      <p class="simulated">
        {outcome.state === 'sent' ? (
          <Tag tone="busy">on its way</Tag>
        ) : (
          <>
            <Tag tone="good">done</Tag> in block <Height height={outcome.height} />
          </>
        )}
        <Hash value={outcome.hash} to={`/tx/${outcome.hash}`} what="transaction hash" />
      </p>
    );
  return null;
}

/** Errors of contracts that the market does not speak to are named by their own ABI. */
function told(codec: Interface, error: unknown): unknown {
  if (!(error instanceof FedaiError) || error.code !== 'REVERTED') return error;
  const { revert, error: name, args } = error.data as { revert?: unknown; error?: unknown; args?: object };
  if (typeof revert !== 'string' || name !== 'unknown') return withArguments(error, name, args);
  try {
    const parsed = codec.parseError(revert);
    if (parsed) return withArguments(error, parsed.name, parsed.args.toObject());
  } catch {
    // Of a contract behind this one.
  }
  return error;
}

function withArguments(error: FedaiError, name: unknown, args: object = {}): FedaiError {
  const list = Object.entries(args).map(([key, value]) => `${key} ${String(value).slice(0, 80)}`);
  const words = list.length === 0 ? String(name) : `${name} (${list.join(', ')})`;
  const { remedy } = error;
  return new FedaiError(
    'REVERTED',
    `the contract refuses: ${words}`,
    {},
    {
      cause: error,
      ...(remedy !== undefined && { remedy: `${remedy[0]?.toUpperCase()}${remedy.slice(1)}.` }),
    },
  );
}

interface InputProps {
  type: ParamType;
  name: string;
  typed: Typed;
  /** Whether what is missing is told already. */
  isShown: boolean;
  onTyped: (typed: Typed) => void;
}

function TypedInput({ type, name, typed, isShown, onTyped }: InputProps) {
  if (type.baseType === 'tuple') {
    const parts = typeof typed === 'string' ? [] : typed;
    return (
      <fieldset class="tuple">
        <legend>{name}</legend>
        {(type.components ?? []).map((part, i) => (
          <TypedInput
            key={part.name}
            type={part}
            name={part.name}
            typed={parts[i] ?? ''}
            isShown={isShown}
            onTyped={(one) => onTyped(parts.map((before, at) => (at === i ? one : before)))}
          />
        ))}
      </fieldset>
    );
  }
  const text = String(typed);
  const fault = isShown || text !== emptyOf(type) ? faultOf(type, typed) : undefined;
  const label = `${name} (${type.type})`;
  if (type.type === 'bool')
    return (
      <Field label={label}>
        <select value={text} onChange={({ currentTarget }) => onTyped(currentTarget.value)}>
          <option value="false">false</option>
          <option value="true">true</option>
        </select>
      </Field>
    );
  if (type.baseType !== 'array')
    return <TextField label={label} value={text} maxLength={131_074} error={fault} onValue={onTyped} />;
  return (
    <Field label={label} error={fault} hint="One a line.">
      <textarea
        class="mono"
        rows={3}
        spellcheck={false}
        maxLength={131_074}
        value={text}
        onInput={({ currentTarget }) => onTyped(currentTarget.value)}
      />
    </Field>
  );
}
