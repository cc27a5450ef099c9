/** A wallet for tests: an EIP-1193 provider in the page, announced as EIP-6963 says, that signs in the test's process. */
import { Wallet } from 'ethers';
import type { BrowserContext } from 'playwright-core';
import { type Hex, toHex } from '../../core/index.ts';
import { httpTransport } from '../../market/index.ts';

export interface TestWallet {
  readonly address: Hex;
  /** Methods that the page asked for. */
  readonly asked: string[];
  /** The next signing is declined. */
  declineNext(): void;
}

interface Fault {
  code: number;
  message: string;
}

type Answer = { result: unknown } | { fault: Fault };

interface Asked {
  to: string;
  data: string;
  value: string;
  gas: string;
}

/** Of a chain that nobody here is on. */
const OTHER_CHAIN = '0x1';

/** Begins on another chain and does not know the one of `rpc`. */
export async function installWallet(
  context: BrowserContext,
  rpc: string,
  privateKey: Uint8Array,
): Promise<TestWallet> {
  const signer = new Wallet(toHex(privateKey));
  const transport = httpTransport(rpc);
  const asked: string[] = [];
  const known = new Set([OTHER_CHAIN]);
  let chainId = OTHER_CHAIN;
  let declines = 0;
  const quantity = async (method: string, ...params: unknown[]): Promise<bigint> =>
    BigInt((await transport.request(method, params)) as string);
  const send = async ({ to, data, value, gas }: Asked): Promise<Answer> => {
    if (declines > 0) {
      declines--;
      return { fault: { code: 4001, message: 'User rejected the request.' } };
    }
    const { baseFeePerGas } = (await transport.request('eth_getBlockByNumber', ['latest', false])) as {
      baseFeePerGas: string;
    };
    const raw = await signer.signTransaction({
      type: 2,
      chainId: BigInt(chainId),
      nonce: Number(await quantity('eth_getTransactionCount', signer.address, 'pending')),
      to,
      data,
      value: BigInt(value),
      gasLimit: BigInt(gas),
      maxFeePerGas: 2n * BigInt(baseFeePerGas) + 10n ** 9n,
      maxPriorityFeePerGas: 10n ** 9n,
    });
    return { result: await transport.request('eth_sendRawTransaction', [raw]) };
  };
  const answer = async (method: string, params: unknown[]): Promise<Answer> => {
    asked.push(method);
    const wanted = (params[0] as { chainId?: string } | undefined)?.chainId ?? '';
    switch (method) {
      case 'eth_requestAccounts':
      case 'eth_accounts':
        return { result: [signer.address] };
      case 'eth_chainId':
        return { result: chainId };
      case 'wallet_switchEthereumChain':
        if (!known.has(wanted)) return { fault: { code: 4902, message: 'Unrecognized chain' } };
        chainId = wanted;
        return { result: null };
      case 'wallet_addEthereumChain':
        known.add(wanted);
        chainId = wanted;
        return { result: null };
      case 'eth_sendTransaction':
        return send(params[0] as Asked);
      default:
        return { fault: { code: 4200, message: `no method ${method}` } };
    }
  };
  await context.exposeFunction('askTestWallet', answer);
  await context.addInitScript(announce);
  return {
    address: signer.address.toLowerCase() as Hex,
    asked,
    declineNext() {
      declines++;
    },
  };
}

/** Runs in the page. */
function announce(): void {
  const { askTestWallet } = globalThis as unknown as {
    askTestWallet: (method: string, params: readonly unknown[]) => Promise<Answer>;
  };
  const provider = {
    async request({ method, params = [] }: { method: string; params?: readonly unknown[] }) {
      const answer = await askTestWallet(method, params);
      if ('fault' in answer) throw Object.assign(new Error(answer.fault.message), answer.fault);
      return answer.result;
    },
    on() {},
  };
  const info = { uuid: 'test', name: 'Test wallet', icon: 'data:,', rdns: 'org.example.test' };
  const tell = () =>
    dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
  addEventListener('eip6963:requestProvider', tell);
  tell();
}
