/** Encodes calls to one contract and decodes what comes back. Owns no meaning of the calls. */
import { Interface, type InterfaceAbi, type Result } from 'ethers';
import type { Hex } from '../core/index.ts';
import { wholeResult, wrongContract } from './decode.ts';
import { type RetryOptions, retry } from './retry.ts';
import { explainRevert } from './reverts.ts';
import type { RpcTransport } from './transport.ts';

export interface Contract {
  readonly address: Hex;
  readonly codec: Interface;
  /** Encoded call data. */
  encode(method: string, args: readonly unknown[]): Hex;
  /** Result of a view at the latest block; throws `REVERTED` or `WRONG_CONTRACT`. */
  read(method: string, args?: readonly unknown[]): Promise<Result>;
}

/** Reads are retried while the RPC is away, as `retrying` says. */
export function bindContract(
  transport: RpcTransport,
  address: Hex,
  abi: InterfaceAbi,
  retrying: RetryOptions,
): Contract {
  const codec = new Interface(abi);
  const encode = (method: string, args: readonly unknown[]): Hex =>
    codec.encodeFunctionData(method, args) as Hex;
  return {
    address,
    codec,
    encode,
    async read(method, args = []) {
      const call = { to: address, data: encode(method, args) };
      const output = await retry(
        method,
        () => transport.request('eth_call', [call, 'latest'], retrying.signal),
        retrying,
      ).catch((fault: unknown) => {
        throw explainRevert(fault, method);
      });
      return decodeOutput(codec, method, output as string);
    },
  };
}

/** Throws `WRONG_CONTRACT`. */
export function decodeOutput(codec: Interface, method: string, output: string): Result {
  let result: Result;
  try {
    result = codec.decodeFunctionResult(method, output);
  } catch (cause) {
    throw wrongContract(method, cause);
  }
  return wholeResult(result, method);
}
