/** A chain node in a process of its own: its input is the first argument, JSON. Says `ready` on stdout, stops on SIGTERM. */
import { createChainNode, loadChainSpec } from '../../chain/index.ts';
import { createLog, fromHex, toHex } from '../../core/index.ts';

interface Input {
  specPath: string;
  dataDir: string;
  peerByte: number;
  secretKey: string | null;
  bootstrap: string[];
}

const input: Input = JSON.parse(process.argv[2]!);
const keys =
  input.secretKey === null
    ? undefined
    : { validatorSecretKey: fromHex(input.secretKey), address: toHex(new Uint8Array(20)) };
const node = await createChainNode({
  spec: await loadChainSpec(input.specPath),
  dataDir: input.dataDir,
  ...(keys && { keys }),
  peerPrivateKey: new Uint8Array(32).fill(input.peerByte),
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: input.bootstrap,
  rpc: { host: '127.0.0.1', port: 0 },
  log: createLog((line) => console.error(line), 'warn'),
});
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)));
console.log('ready');
