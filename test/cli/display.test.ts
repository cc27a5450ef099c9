/** What programs read of a devnet: one event a line, the verdict last. */
import { expect, it } from 'vitest';
import { createDisplay } from '../../cli/devnet/display.ts';
import { createOutput } from '../../cli/output.ts';

async function show(json: boolean) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const output = createOutput(
    { json, logLevel: 'error' },
    { stdout: stream('stdout'), stderr: stream('stderr') },
  );
  const display = await createDisplay(output, { names: {} });
  display.update({ type: 'accuracy', value: 0.5 });
  display.close();
  output.event({ event: 'done' }, 'verdict');
  display.update({ type: 'chain', status: { height: 10, finalityMs: 80, peers: 3 } });
  display.update({ type: 'line', text: 'worker-0 has ended' });
  return written;
}

it('with --json nothing follows the verdict on stdout', async () => {
  const { stdout, stderr } = await show(true);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual(['accuracy', 'done']);
  expect(stderr).toBe('worker-0 has ended\n');
});

it('as plain lines the verdict stays in sight', async () => {
  const { stdout, stderr } = await show(false);
  expect(stdout).toBe('accuracy so far 50.0 %\nverdict\n');
  expect(stderr).toBe('worker-0 has ended\n');
});
