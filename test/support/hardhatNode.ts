/** Hardhat's EDR behind JSON-RPC in a process of its own: an EVM by other people, to compare ours with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { JsonRpcProvider } from 'ethers';
import { FedaiError } from '../../core/index.ts';

export interface HardhatNode {
  readonly provider: JsonRpcProvider;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** `timeoutMs`: starting takes seconds, on a busy machine many. */
export async function startHardhatNode(timeoutMs = 60_000): Promise<HardhatNode> {
  const port = await freePort();
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const cli = fileURLToPath(new URL('../../node_modules/hardhat/dist/src/cli.js', import.meta.url));
  const child = spawn(process.execPath, [cli, 'node', '--port', String(port), '--hostname', '127.0.0.1'], {
    cwd: root,
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + timeoutMs;
  while (!(await answers(url))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new FedaiError('NO_PEER', 'hardhat node did not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 50, cacheTimeout: -1 });
  return {
    provider,
    async stop() {
      provider.destroy();
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}',
  }).then(
    (response) => response.ok,
    () => false,
  );
