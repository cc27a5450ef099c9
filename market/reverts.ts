/** Reads revert data of the contracts into coded errors that say what to do. */
import { decodeBytes32String, Interface } from 'ethers';
import { FedaiError } from '../core/index.ts';
import { contractAbis } from './abi.ts';
import { revertRemedies } from './remedies.ts';

const everyError = new Interface(contractAbis.flatMap((abi) => abi.filter((item) => item.type === 'error')));
const HEX_DATA = /0x[0-9a-f]{8,}/i;

/** Turns an `RPC_ERROR` that carries revert data into `REVERTED` with `data: {error, args}`; others pass through. */
export function explainRevert(fault: unknown, call: string): unknown {
  if (!(fault instanceof FedaiError) || fault.code !== 'RPC_ERROR') return fault;
  const revert = revertData(fault.data['data']);
  if (revert === undefined && !/revert/i.test(fault.message)) return fault;
  const parsed = revert === undefined ? undefined : parseError(revert);
  const error = parsed?.name ?? 'unknown';
  const remedy = revertRemedies[error];
  return new FedaiError(
    'REVERTED',
    `${call} was refused by the contract: ${parsed ? error : fault.message}`,
    { call, error, args: parsed?.args ?? {}, revert },
    remedy === undefined ? { cause: fault } : { cause: fault, remedy },
  );
}

/** Whether `fault` is a refusal by contract, by any of the named custom errors when given. */
export function isRevert(fault: unknown, ...names: string[]): boolean {
  if (!(fault instanceof FedaiError) || fault.code !== 'REVERTED') return false;
  return names.length === 0 || names.includes(String(fault.data['error']));
}

/** Nodes disagree on where they put revert data: a string, or an object with `data` inside, or one more around it. */
function revertData(data: unknown, depth = 0): string | undefined {
  if (typeof data === 'string') return HEX_DATA.exec(data)?.[0];
  if (depth > 2 || typeof data !== 'object' || data === null || !('data' in data)) return undefined;
  return revertData(data.data, depth + 1);
}

function parseError(revert: string): { name: string; args: Record<string, unknown> } | undefined {
  try {
    const parsed = everyError.parseError(revert);
    if (parsed === null) return undefined;
    return { name: parsed.name, args: namedArgs(parsed.fragment.inputs, parsed.args.toArray()) };
  } catch {
    return undefined; // revert data of a contract that is not ours
  }
}

function namedArgs(
  inputs: readonly { name: string; type: string }[],
  values: readonly unknown[],
): Record<string, unknown> {
  return Object.fromEntries(
    inputs.map(({ name, type }, i) => [
      name || String(i),
      type === 'bytes32' ? textOf(values[i]) : values[i],
    ]),
  );
}

/** Names of fields travel as text in 32 bytes; a hash stays what it is. */
function textOf(value: unknown): unknown {
  try {
    const text = decodeBytes32String(String(value));
    return /^[\w.]+$/.test(text) ? text : value;
  } catch {
    return value;
  }
}
