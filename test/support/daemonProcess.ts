/**
 * A worker or evaluator in a process of its own, as the command line runs one: its input is the first argument, JSON.
 * Prints its events as lines of JSON; `cut` and `mend` arrive over IPC; ends with its parent.
 */
import './cutSockets.ts';
import { join } from 'node:path';
import { createLog, silentLog } from '../../core/index.ts';
import { deriveKeys } from '../../core/keys/index.ts';
import { createEvaluator } from '../../evaluator/index.ts';
import { createPeer } from '../../storage/index.ts';
import { createWorker } from '../../worker/index.ts';
import { setCut } from './cutSockets.ts';
import type { DaemonInput } from './party.ts';

const input: DaemonInput = JSON.parse(process.argv[2]!, (key, value) =>
  key === 'stake' ? BigInt(value) : value,
);
process.on('message', (message) => setCut(message === 'cut'));
process.once('disconnect', () => process.exit(1));

const print = (event: object): void => {
  const plain = JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? value.toString() : value));
  process.stdout.write(`${plain}\n`);
};
const log = process.env.FEDAI_TEST_LOG
  ? createLog((line) => process.stderr.write(`${input.name} ${line}\n`), 'debug')
  : silentLog;
const keys = await deriveKeys(input.mnemonic);
const peer = await createPeer({
  dataDir: join(input.dataDir, 'peer'),
  peerPrivateKey: keys.peer.privateKey,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: input.bootstrap,
  log,
});
const options = {
  rpc: input.rpc,
  contracts: input.contracts,
  keys,
  peer,
  dataDir: join(input.dataDir, 'state'),
  log,
  pollMs: input.pollMs,
  kernel: 'reference' as const,
  stake: input.stake,
  replayLimits: input.replayLimits,
  onEvent: (event: object) => print({ ...event, account: keys.evm.address }),
};
await (input.role === 'worker' ? createWorker(options) : createEvaluator(options)).start();
print({ type: 'started' });
