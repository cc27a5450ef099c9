/** Brings a devnet's processes up: chain spec, validators, workers, evaluators. Each learns of the others from one address. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Display } from './display.ts';
import type { Fleet } from './fleet.ts';
import type { Layout, Party } from './layout.ts';
import type { ManagedProcess } from './process.ts';

export interface Network {
  /** JSON-RPC of each validator. */
  rpcs: string[];
  /** The one address that everybody is told. */
  bootstrap: string;
  /** Resolve when all have enrolled. */
  workersReady: Promise<unknown>;
  evaluatorsReady: Promise<unknown>;
}

/** Loopback only: a devnet is nobody else's business. */
const LISTEN = '/ip4/127.0.0.1/tcp/0';
const CHAIN_ID = 1337;
/** Start-up is bound by the processor; more at a time only makes each slower. */
const STARTS_AT_A_TIME = 3;
/** TRAIN at genesis, by role. A validator's stake comes on top of it. */
const BALANCES: Record<Party['role'], number> = {
  validator: 100,
  worker: 1_000,
  evaluator: 1_000,
  client: 10_000,
};
const VALIDATOR_STAKE = 10_000;
/** Short, since nobody here has something to gain from grinding a beacon. */
const DRAW_DELAY_BLOCKS = 2;
/** Each validator executes again what is drawn, all on one machine: of three workers' traces one. */
const WORK_RANKS = 1;

export interface NetworkInput {
  layout: Layout;
  fleet: Fleet;
  display: Display;
  rpcPort: number;
  /** Blocks between two draws of useful work; 0 for none. */
  workInterval: number;
}

const partiesOf = (layout: Layout, role: Party['role']): Party[] =>
  layout.parties.filter((party) => party.role === role);

export type Chain = Pick<Network, 'rpcs' | 'bootstrap'>;

export async function startNetwork(input: NetworkInput): Promise<Network> {
  const { layout, display } = input;
  const { rpcs, bootstrap } = await startChain(input);
  display.update({ type: 'phase', text: 'starting workers and evaluators …' });
  const enrol = (role: 'worker' | 'evaluator') =>
    inTurn(partiesOf(layout, role), (party, i) =>
      startDaemon(
        input,
        party,
        [...rpcs.slice(i % rpcs.length), ...rpcs.slice(0, i % rpcs.length)],
        bootstrap,
      ),
    );
  const workersReady = enrol('worker');
  // Evaluators are needed last: they start when the workers no longer compete for the processor.
  const evaluatorsReady = workersReady.then(() => enrol('evaluator'));
  evaluatorsReady.catch(() => {});
  return { rpcs, bootstrap, workersReady, evaluatorsReady };
}

/** The validators alone. */
export async function startChain(input: NetworkInput): Promise<Chain> {
  const { layout, display } = input;
  if (!existsSync(layout.specFile)) {
    display.update({ type: 'phase', text: 'making the chain spec …' });
    await makeChainSpec(input);
  }
  const [first, ...others] = partiesOf(layout, 'validator');
  display.update({ type: 'phase', text: 'starting the chain …' });
  const leader = startValidator(input, first!, { rpcPort: input.rpcPort, bootstrap: [] });
  const ready = await leader.first('ready');
  const bootstrap = (ready.addresses as string[])[0]!;
  const rpcs = [String(ready.rpc)];
  await inTurn(others, async (party, i) => {
    const node = startValidator(input, party, { rpcPort: 0, bootstrap: ['--bootstrap', bootstrap] });
    rpcs[i + 1] = String((await node.first('ready')).rpc);
  });
  return { rpcs, bootstrap };
}

async function makeChainSpec({ layout, fleet, workInterval }: NetworkInput): Promise<void> {
  const balances = layout.parties.map(({ keys, role }) => `${keys.address}=${BALANCES[role]}`);
  const validators = partiesOf(layout, 'validator');
  const child = fleet.start(
    validators[0]!,
    [
      ...['chain', 'spec', '--name', 'fedai-devnet', '--chain-id', String(CHAIN_ID)],
      ...[
        '--output',
        layout.specFile,
        '--draw-delay',
        String(DRAW_DELAY_BLOCKS),
        '--work-interval',
        String(workInterval),
        '--work-ranks',
        String(WORK_RANKS),
        '--quick-court',
        '--stake',
        String(VALIDATOR_STAKE),
      ],
      ...['--validator', ...validators.map(({ dataDir }) => join(dataDir, 'keys', 'public.json'))],
      ...['--balance', ...balances],
    ],
    { finite: true, label: 'chain-spec' },
  );
  await child.first('spec');
  await child.ended;
}

function startValidator(
  { layout, fleet }: NetworkInput,
  party: Party,
  { rpcPort, bootstrap }: { rpcPort: number; bootstrap: string[] },
): ManagedProcess {
  return fleet.start(party, [
    ...['chain', 'run', '--chain-spec', layout.specFile, '--data-dir', party.dataDir, '--validator'],
    ...['--listen', LISTEN, '--rpc-port', String(rpcPort), '--accept-content', ...bootstrap],
  ]);
}

async function startDaemon(
  { layout, fleet, display }: NetworkInput,
  party: Party,
  rpcs: readonly string[],
  bootstrap: string,
): Promise<void> {
  const args = [
    party.role,
    'run',
    '--chain-spec',
    layout.specFile,
    '--rpc',
    rpcs.join(','),
    '--data-dir',
    party.dataDir,
  ];
  const daemon = fleet.start(party, [...args, '--listen', LISTEN, '--bootstrap', bootstrap], {
    onEvent(event) {
      if (event.event !== 'trained') return;
      const progress = { samplesPerSecond: Number(event.samplesPerSecond), round: Number(event.round) };
      display.update({ type: 'worker', name: party.name, progress });
    },
  });
  await daemon.first('ready');
}

/** Runs `start` for all items, a few at a time. */
async function inTurn<T>(
  items: readonly T[],
  start: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      await start(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_A_TIME }, lane));
}
