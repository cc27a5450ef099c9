/**
 * A chain node in a process of its own: its input is the first argument, JSON. Says `ready` on stdout, stops on SIGTERM;
 * with `killedAt`, says `first HEIGHT` of the first block that it adds, and ends by SIGKILL when that height is on disk.
 */
import { createChainNode, loadChainSpec } from '../../chain/index.ts';
import { createLog, fromHex, toHex } from '../../core/index.ts';

interface Input {
  specPath: string;
  dataDir: string;
  peerByte: number;
  secretKey: string | null;
  bootstrap: string[];
  /** Listens here; 127.0.0.1 unless told. */
  host?: string;
  rpcHost?: string;
  killedAt?: { height: number; afterMs: number };
}

const input: Input = JSON.parse(process.argv[2]!);
const keys =
  input.secretKey === null
    ? undefined
    : { validatorSecretKey: fromHex(input.secretKey), address: toHex(new Uint8Array(20)) };

let isFirst = true;
function heard(line: string): void {
  const { level, message, height } = JSON.parse(line);
  if (level !== 'debug' && level !== 'info') console.error(line);
  const { killedAt } = input;
  if (killedAt === undefined || message !== 'block') return;
  if (isFirst) console.log(`first ${height}`);
  isFirst = false;
  if (height < killedAt.height) return;
  if (killedAt.afterMs === 0) process.kill(process.pid, 'SIGKILL');
  else setTimeout(() => process.kill(process.pid, 'SIGKILL'), killedAt.afterMs);
}

const node = await createChainNode({
  spec: await loadChainSpec(input.specPath),
  dataDir: input.dataDir,
  ...(keys && { keys }),
  peerPrivateKey: new Uint8Array(32).fill(input.peerByte),
  listen: [`/ip4/${input.host ?? '127.0.0.1'}/tcp/0`],
  bootstrap: input.bootstrap,
  rpc: { host: input.rpcHost ?? '127.0.0.1', port: 0 },
  log: createLog(heard, input.killedAt === undefined ? 'warn' : 'debug'),
});
process.once('SIGTERM', () => void node.stop().then(() => process.exit(0)));
console.log('ready');
