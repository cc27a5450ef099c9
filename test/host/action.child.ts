/** A command that misbehaves as its first argument says, under the frame that every command has. */
import { setTimeout as sleep } from 'node:timers/promises';
import { action } from '../../cli/action.ts';
import { FedaiError } from '../../core/index.ts';

const mode = process.argv[2];
const run = action(async ({ output, signal, fail }) => {
  // Keeps the process alive while nothing is awaited that would.
  setInterval(() => {}, 1_000);
  output.event({ event: 'ready' });
  if (mode === 'rejects') void Promise.reject(new FedaiError('UNHEARD', 'nobody waits for this'));
  if (mode === 'fails') fail(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
  while (mode === 'deaf' || mode === 'rejects' || !signal.aborted) {
    if (mode === 'talks') output.event({ event: 'line' });
    await sleep(20);
  }
  return undefined;
});
await run({ json: true }, { processedArgs: [] });
