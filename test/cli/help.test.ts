import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/program.ts';
import { fedai } from './run.ts';

const program = buildProgram();
const leaves = program.commands.flatMap((command) =>
  command.commands.length === 0
    ? [command]
    : command.commands.filter(({ commands }) => commands.length === 0),
);
const pathOf = (command: (typeof leaves)[number]): string =>
  [command.parent, command]
    .filter((one) => one && one !== program)
    .map((one) => one!.name())
    .join(' ');

describe('commands', () => {
  it('are those that the documents name', () => {
    expect(leaves.map(pathOf).toSorted()).toEqual([
      'chain run',
      'chain spec',
      'data import',
      'devnet',
      'evaluator run',
      'job cancel',
      'job fetch',
      'job list',
      'job post',
      'job verify',
      'job watch',
      'key new',
      'predict',
      'work audits',
      'work challenge',
      'work list',
      'work verify',
      'worker run',
    ]);
  });

  it.each(leaves.map((command) => [pathOf(command), command] as const))(
    '%s has help with an example, exit codes and --json',
    (path, command) => {
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part) });
      command.outputHelp();
      expect(text).toContain(`Usage: fedai ${path}`);
      expect(text).toContain(`$ ${path === 'key new' ? '' : `fedai ${path}`}`);
      expect(text).toMatch(/Examples?:/);
      expect(text).toContain('Exit codes:');
      expect(text).toContain('--json');
    },
  );

  it('devnet has the flags that are used from outside', () => {
    const flags = program.commands
      .find((command) => command.name() === 'devnet')!
      .options.map(({ long }) => long);
    expect(flags).toEqual(
      expect.arrayContaining([
        ...['--exit', '--json', '--validators', '--workers', '--evaluators', '--rpc-port'],
        ...['--data-dir', '--data', '--job', '--keep-logs'],
      ]),
    );
  });
});

describe('the real command', () => {
  it('prints help on stdout and exits with 0', async () => {
    const { code, stdout, stderr } = await fedai(['job', 'post', '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Usage: fedai job post');
  });

  it('prints its version', async () => {
    expect(await fedai(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
