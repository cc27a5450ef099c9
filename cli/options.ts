/** Parsers of option values. Each throws what commander prints as a usage error (exit code 2). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';

export const DEFAULT_RPC = 'http://127.0.0.1:8545';
const WEI_DECIMALS = 18;

/** A whole number within bounds, both included. */
export function integer(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** Width and height as `32x24`. */
export function imageSize(text: string): { width: number; height: number } {
  const [, width, height] = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/.exec(text) ?? [];
  if (width === undefined) throw new InvalidArgumentError('expected a size like 32x32.');
  return { width: Number(width), height: Number(height) };
}

/** A TCP port; 0 lets the system choose. */
export const port = integer(0, 65_535);

/** Of one training session. */
export const MAX_THREADS = 32;

/** A part of one, from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

export function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('expected an address such as http://127.0.0.1:8545.');
  }
  return text;
}

/** Decimal TRAIN (`12.5`) as wei. */
/** One address, or several separated by commas. */
export function httpUrls(text: string): string {
  return text.split(',').map(httpUrl).join(',');
}

/** Where content is asked for: one endpoint has all of it, or fetches it. */
export const firstUrl = (urls: string): string => urls.split(',')[0]!;

export function trainAmount(text: string): bigint {
  const match = /^(\d{1,30})(?:\.(\d{1,18}))?$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected an amount of TRAIN such as 100 or 0.5.');
  return BigInt(match[1]!) * 10n ** BigInt(WEI_DECIMALS) + BigInt((match[2] ?? '').padEnd(WEI_DECIMALS, '0'));
}

/** An option that holds wei, given and shown in TRAIN. */
export function trainOption(flags: string, description: string, defaultTrain: string): Option {
  const option = new Option(flags, description).argParser(trainAmount);
  return option.default(trainAmount(defaultTrain), `${defaultTrain} TRAIN`);
}

/** Wei as decimal TRAIN without trailing zeros. */
export function formatTrain(wei: bigint): string {
  const digits = wei.toString().padStart(WEI_DECIMALS + 1, '0');
  const fraction = digits.slice(-WEI_DECIMALS).replace(/0+$/, '');
  return fraction ? `${digits.slice(0, -WEI_DECIMALS)}.${fraction}` : digits.slice(0, -WEI_DECIMALS);
}

export const jobId = (text: string): string => {
  if (!/^[1-9]\d{0,17}$/.test(text)) throw new InvalidArgumentError('expected a job number such as 1.');
  return text;
};

/** One after the other, as commander gives them. */
export function blockHeights(text: string, before: number[] = []): number[] {
  if (!/^(?:0|[1-9]\d{0,14})$/.test(text))
    throw new InvalidArgumentError('expected a block height such as 45.');
  return [...before, Number(text)];
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** `--json` and `--log-level`, which every command has. */
export function shared(command: Command): Command {
  return command
    .option('--json', 'events on stdout, one JSON object a line; everything else on stderr')
    .option('--log-level <level>', 'debug, info, warn or error', oneOf(LOG_LEVELS), 'info');
}

export function oneOf<T extends string>(values: readonly T[]): (text: string) => T {
  return (text) => {
    if (!values.includes(text as T)) throw new InvalidArgumentError(`expected ${values.join(', ')}.`);
    return text as T;
  };
}

/** Which chain and through whom: what every command that talks to contracts needs. */
export function chainAccess(command: Command): Command {
  return command
    .requiredOption(
      '--chain-spec <file>',
      'chain-spec file: chain id, contracts, validators',
      process.env.FEDAI_CHAIN_SPEC,
    )
    .option(
      '--rpc <urls>',
      'JSON-RPC of a chain node, or of several, separated by commas, that stand in for each other',
      httpUrls,
      process.env.FEDAI_RPC ?? DEFAULT_RPC,
    );
}

/** What sealed a block can be checked with an RPC alone. */
export function workAccess(command: Command): Command {
  return command
    .option(
      '--chain-spec <file>',
      'chain-spec file: whose validators are trusted',
      process.env.FEDAI_CHAIN_SPEC,
    )
    .option('--rpc <urls>', 'JSON-RPC of a chain node', httpUrls, process.env.FEDAI_RPC ?? DEFAULT_RPC);
}

/** Keys and files of this party. */
export function partyAccess(command: Command, part: string): Command {
  return command
    .option('--data-dir <dir>', 'keys and files of this party', join(homedir(), '.fedai', part))
    .option('--password-file <file>', 'password of the keys (else FEDAI_PASSWORD, else asked for)');
}

/** The libp2p side of a process. */
export function peerAccess(command: Command): Command {
  return command
    .option('--listen <addr>', 'libp2p address to listen on', '/ip4/0.0.0.0/tcp/0')
    .option('--bootstrap <addr...>', 'peers to start from (else those of the chain-spec file)');
}

/** Where content is kept: under the data directory unless a Kubo node is named. */
export function contentAccess(command: Command): Command {
  const option = new Option('--ipfs <url>', 'keep content in a Kubo node, by its RPC').argParser(httpUrl);
  return command.addOption(option.env('FEDAI_IPFS'));
}

export interface ContentAccess {
  ipfs?: string;
}
export interface ChainAccess {
  chainSpec: string;
  /** Separated by commas. */
  rpc: string;
}
export interface PartyAccess {
  dataDir: string;
  passwordFile?: string;
}
export interface PeerAccess {
  listen: string;
  bootstrap?: string[];
}
