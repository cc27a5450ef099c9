/** `fedai chain spec`: makes the file that defines a new chain. */
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { FedaiError, fromHex, type Hex } from '../../core/index.ts';
import { action } from '../action.ts';
import type { PublicKeys } from '../keyFiles.ts';
import { integer, shared, trainAmount, trainOption } from '../options.ts';

interface Options {
  name: string;
  chainId: number;
  output: string;
  validator: string[];
  stake: bigint;
  balance?: [Hex, bigint][];
  bootstrap?: string[];
  blockTime: number;
  drawDelay?: number;
  workInterval: number;
  workRanks: number;
  quickCourt?: true;
}

export function chainSpec(parent: Command): Command {
  const command = parent
    .command('spec')
    .description('make the chain-spec file of a new chain: contracts, validators and balances at genesis')
    .requiredOption('--validator <file...>', 'public.json of each validator, as `fedai key new` writes it')
    .option('--name <name>', 'name of the chain', 'fedai')
    .option('--chain-id <id>', 'EIP-155 chain id', integer(1, 2 ** 31 - 1), 1337)
    .option('--output <file>', 'where to write it', 'chain.json')
    .addOption(trainOption('--stake <amount>', 'stake of each validator in TRAIN', '10000'))
    .option('--balance <address=amount...>', 'TRAIN of an account at genesis', balances)
    .option('--bootstrap <addr...>', 'libp2p addresses that newcomers ask first')
    .option('--block-time <ms>', 'least time between blocks', integer(100, 600_000), 1_000)
    .option(
      '--draw-delay <blocks>',
      'blocks between an event and the beacon that draws on it',
      integer(1, 1_000),
    )
    .option(
      '--work-interval <blocks>',
      'draw committed training to be proved at every so many blocks; 0 for a chain without proofs of work',
      integer(0, 100_000),
      10,
    )
    .option('--work-ranks <n>', 'traces that each draw asks for', integer(1, 8), 3)
    .option('--quick-court', 'audit half of all traces, with short steps: for networks on one machine')
    .addHelpText(
      'after',
      `
Example:
  $ fedai chain spec --validator v0/keys/public.json v1/keys/public.json \\
      --balance 0x9858EfFD232B4033E47d90003D41EC34EcaEda94=1000 --output chain.json`,
    );
  return shared(command).action(
    action<Options>(async ({ output }, options) => {
      const validators = await Promise.all(
        options.validator.map((file) => readValidator(file, options.stake)),
      );
      const { createChainSpec, saveChainSpec } = await import('../../chain/index.ts');
      const { quickCourtParameters } = await import('../../contracts/deploy.ts');
      const spec = await createChainSpec({
        name: options.name,
        chainId: options.chainId,
        genesisTimeMs: Date.now(),
        validators,
        balances: Object.fromEntries(options.balance ?? []),
        consensus: { blockTimeMs: options.blockTime },
        work: workOf(options),
        ...(options.quickCourt && { court: quickCourtParameters }),
        ...(options.bootstrap && { bootstrap: options.bootstrap }),
        ...(options.drawDelay !== undefined && { jobs: { drawDelayBlocks: options.drawDelay } }),
      });
      await saveChainSpec(options.output, spec);
      const { chainId, contracts } = spec;
      output.event(
        { event: 'spec', file: options.output, chainId, contracts, validators: spec.validators.length },
        `${options.output}  chain ${chainId}, ${spec.validators.length} validators, JobManager at ${contracts.jobManager}`,
      );
      return undefined;
    }),
  );
}

const workOf = ({ workInterval, workRanks }: Options) =>
  workInterval === 0 ? null : { everyBlocks: workInterval, ranks: workRanks };

function balances(text: string, before: [Hex, bigint][] = []): [Hex, bigint][] {
  const match = /^(0x[0-9a-fA-F]{40})=(.+)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected ADDRESS=AMOUNT, the amount in TRAIN.');
  return [...before, [match[1] as Hex, trainAmount(match[2]!)]];
}

async function readValidator(file: string, stake: bigint) {
  try {
    const keys = JSON.parse(await readFile(file, 'utf8')) as PublicKeys;
    return {
      address: keys.address,
      blsPublicKey: fromHex(keys.blsPublicKey, 48),
      proofOfPossession: fromHex(keys.proofOfPossession, 96),
      stake,
    };
  } catch (cause) {
    throw new FedaiError(
      'BAD_VALIDATOR_FILE',
      'not a validator’s public keys',
      { file },
      {
        cause,
        remedy: 'give the keys/public.json that `fedai key new` wrote for the validator',
      },
    );
  }
}
