/** Starts one supervised daemon, says its process id once it runs, and waits to be killed. */
import { startProcess } from '../../cli/devnet/process.ts';

const [logFile, ...args] = process.argv.slice(2) as [string, ...string[]];
const child = startProcess({
  name: 'daemon',
  args,
  logFile,
  env: { FEDAI_PASSWORD: 'test' },
  onEvent: () => {},
});
await child.first('started');
process.stdout.write(`${child.pid}\n`);
await child.ended;
