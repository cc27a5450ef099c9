/** `fedai chain run`: a chain node, validating when it is given the keys of a validator. */
import type { Command } from 'commander';
import { FedaiError, type Hex } from '../../core/index.ts';
import { action, type Context, untilStopped } from '../action.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { EXPLORER_PAGES } from '../explorer/pages.ts';
import { checkHost } from '../host.ts';
import { hasKey, readPublicKeys } from '../keyFiles.ts';
import { type MetricsAccess, metricsAccess, openMetrics } from '../metrics.ts';
import {
  integer,
  type PartyAccess,
  type PeerAccess,
  partyAccess,
  peerAccess,
  port,
  shared,
} from '../options.ts';
import { unlock } from '../party.ts';

interface Options extends PartyAccess, PeerAccess, MetricsAccess {
  chainSpec: string;
  validator?: boolean;
  rpcPort: number;
  rpcHost: string;
  acceptContent?: number | true;
}

export function chainRun(parent: Command): Command {
  const command = parent
    .command('run')
    .description('follow a chain, serve JSON-RPC, and with --validator take part in consensus')
    .requiredOption('--chain-spec <file>', 'chain-spec file of the network', process.env.FEDAI_CHAIN_SPEC)
    .option('--validator', 'sign blocks with the validator key of the data directory')
    .option('--rpc-port <port>', 'port of JSON-RPC and content gateway; 0 takes a free one', port, 8545)
    .option('--rpc-host <host>', 'address that JSON-RPC listens on', '127.0.0.1')
    .option(
      '--accept-content [MiB]',
      'keep content that callers of this machine leave (PUT /ipfs/<cid>), for two weeks, at most so much; with FEDAI_CONTENT_TOKEN set, of whoever has that token',
      integer(1, 1_048_576),
    )
    .addHelpText(
      'after',
      `
Runs until it is stopped; a bootstrap peer that is down is only a warning.

Examples:
  $ fedai chain run --chain-spec chain.json --data-dir ~/.fedai/chain
  $ fedai chain run --chain-spec chain.json --validator --bootstrap /ip4/10.0.0.5/tcp/4001/p2p/12D3Koo…`,
    );
  partyAccess(command, 'chain');
  peerAccess(command);
  metricsAccess(command);
  return shared(command).action(action<Options>(run));
}

async function run({ output, signal, fail }: Context, options: Options): Promise<ExitCode> {
  const { rpcClients } = await checkHost(options.dataDir, output.log);
  const { createChainNode, loadChainSpec } = await import('../../chain/index.ts');
  const spec = await loadChainSpec(options.chainSpec);
  const keys = await openKeys(options, signal);
  const address = options.validator ? (await readPublicKeys(options.dataDir)).address : undefined;
  if (address !== undefined) checkValidates(spec.validators, address);
  const measuring = await openMetrics(options);
  const node = await createChainNode({
    spec,
    dataDir: options.dataDir,
    peerPrivateKey: keys.peer,
    listen: [options.listen],
    bootstrap: options.bootstrap ?? [],
    rpc: {
      host: options.rpcHost,
      port: options.rpcPort,
      maxConnections: rpcClients,
      explorer: EXPLORER_PAGES,
      ...acceptance(options),
    },
    log: output.log,
    metrics: measuring.metrics,
    onFault: fail,
    ...(address !== undefined && {
      keys: { validatorSecretKey: keys.validator!, address, ...(keys.evm && { evmPrivateKey: keys.evm }) },
    }),
  });
  try {
    const metricsUrl = await measuring.serve(node.ready);
    const metricsAt = metricsUrl === undefined ? {} : { metricsUrl };
    const [addresses, { height }] = [node.addresses(), node.status()];
    output.event(
      { event: 'ready', rpc: node.rpcUrl, peerId: node.peerId, addresses, height, ...metricsAt },
      `JSON-RPC at ${node.rpcUrl}, peers at ${addresses.join(', ')}, height ${height}`,
    );
    await untilStopped(signal);
  } finally {
    output.log.info('stopping');
    await measuring.stop();
    await node.stop();
  }
  return EXIT.ok;
}

/** A validator whose account's key is kept elsewhere signs all the same; it reports nothing. */
function openKeys(
  options: Options,
  signal: AbortSignal,
): Promise<{ peer: Uint8Array; validator?: Uint8Array; evm?: Uint8Array }> {
  if (!options.validator) return unlock(options, ['peer'], signal);
  if (!hasKey(options.dataDir, 'evm')) return unlock(options, ['peer', 'validator'], signal);
  return unlock(options, ['peer', 'validator', 'evm'], signal);
}

/** Throws `WRONG_KEYS` for an account whose votes would count for nothing. */
function checkValidates(validators: readonly { address: Hex }[], address: Hex): void {
  if (validators.some((one) => one.address.toLowerCase() === address.toLowerCase())) return;
  throw new FedaiError(
    'WRONG_KEYS',
    'these are not the keys of a validator of this chain',
    { address, expected: validators.map((one) => one.address) },
    { remedy: 'give the --data-dir of a validator, or follow the chain without --validator' },
  );
}

/** Some data sets of a page; a node of the public names its own bound. */
const ACCEPTED_MIB = 1_024;

function acceptance({ acceptContent }: Options) {
  if (acceptContent === undefined) return {};
  const maxTotalBytes = (acceptContent === true ? ACCEPTED_MIB : acceptContent) * 2 ** 20;
  const token = process.env.FEDAI_CONTENT_TOKEN;
  return { acceptContent: { maxTotalBytes, ...(token && { token }) } };
}
