/** Validators of one chain, each a chain node in a process of its own, ready when it serves RPC. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ChainSpec,
  type CreateChainSpecInput,
  createChainSpec,
  saveChainSpec,
} from '../../chain/index.ts';
import { blsPublicKey, proofOfPossession } from '../../core/bls/index.ts';
import { toHex } from '../../core/index.ts';
import { testValidators } from '../chain/network-spec.ts';

export interface ValidatorProcesses {
  readonly spec: ChainSpec;
  readonly rpcUrls: readonly string[];
  /** Of the first, for others to connect to. */
  readonly bootstrap: string[];
  stop(): Promise<void>;
}

const CHILD = fileURLToPath(new URL('../chain/node-process.ts', import.meta.url));
const STAKE = 10_000n * 10n ** 18n;

export async function startValidators(
  count: number,
  directory: string,
  input: Omit<CreateChainSpecInput, 'validators' | 'name' | 'chainId' | 'genesisTimeMs'>,
): Promise<ValidatorProcesses> {
  const validators = testValidators(count);
  const spec = await createChainSpec({
    ...{ name: 'test', chainId: 31_339, genesisTimeMs: Date.now() - 600_000, ...input },
    validators: validators.map(({ secretKey, address }) => ({
      ...{ address, blsPublicKey: blsPublicKey(secretKey), stake: STAKE },
      proofOfPossession: proofOfPossession(secretKey, address),
    })),
  });
  const specPath = join(directory, 'chain.json');
  await saveChainSpec(specPath, spec);
  const children: ChildProcess[] = [];
  const start = async (index: number, bootstrap: readonly string[]) => {
    const dataDir = join(directory, `validator ${index}`);
    const secretKey = toHex(validators[index]!.secretKey);
    const own = { specPath, dataDir, peerByte: index + 1, secretKey, bootstrap };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(own)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: join(directory, 'compiled') },
    });
    children.push(child);
    await new Promise<void>((done, fail) => {
      child.stdout!.once('data', () => done());
      child.once('exit', (code) => fail(new TypeError(`validator ${index} ended with ${code}`)));
    });
    return JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as {
      rpcUrl: string;
      peerAddresses: string[];
    };
  };
  const stop = async (): Promise<void> => {
    const running = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const gone = running.map((child) => new Promise((done) => child.once('exit', done)));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(gone);
  };
  try {
    const first = await start(0, []);
    const others = await Promise.all(validators.slice(1).map((_, i) => start(1 + i, first.peerAddresses)));
    const rpcUrls = [first, ...others].map(({ rpcUrl }) => rpcUrl);
    return { spec, rpcUrls, bootstrap: first.peerAddresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
