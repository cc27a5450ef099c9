/** `fedai engine check`: which kernels this machine admits, and their speed. */
import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { KernelReport } from '../../engine/index.ts';
import type { BackendReport } from '../../engine/tfjs/index.ts';
import { action } from '../action.ts';
import { EXIT } from '../exit.ts';
import { integer, shared } from '../options.ts';

const MAX_THREADS = 64;

export function engineCheck(parent: Command): Command {
  const command = parent
    .command('check')
    .description('the kernels that give the exact bits on this machine, and their speed')
    .option(
      '--threads <n>',
      'threads of one training session, besides one alone',
      integer(1, MAX_THREADS),
      Math.min(MAX_THREADS, availableParallelism()),
    )
    .addHelpText(
      'after',
      `
A kernel is used only where it gives the bits of the reference. Speeds are training samples a second of a
784-256-10 network. webgpu is the graphics device, through the optional package of that name. The command fails when
no fast kernel is admitted. Below them stand the backends of TensorFlow.js, which train in floats what the exact
engine does not cover; that some are missing is no fault.

Examples:
  $ fedai engine check
  $ fedai engine check --threads 4 --json`,
    );
  return shared(command).action(
    action<{ threads: number }>(async ({ output }, { threads }) => {
      const [{ checkKernels }, { checkBackends }] = await Promise.all([
        import('../../engine/index.ts'),
        import('../../engine/tfjs/index.ts'),
      ]);
      const reports = await checkKernels(threads);
      for (const report of reports) output.event({ event: 'kernel', ...report }, line(report));
      for (const report of await checkBackends())
        output.event({ event: 'backend', attested: 'quality', ...report }, backendLine(report));
      const fast = reports.some(({ kernel, admitted }) => kernel !== 'reference' && admitted);
      return fast ? undefined : EXIT.failed;
    }),
  );
}

function line({
  kernel,
  adapter,
  threads,
  admitted,
  refusedBecause,
  samplesPerSecond,
}: KernelReport): string {
  const on = kernel === 'webgpu' ? (adapter ?? '') : `${threads} thread${threads === 1 ? '' : 's'}`;
  const head = `${kernel.padEnd(14)}${on.padEnd(11)}  `;
  if (!admitted) return `${head}refused: ${refusedBecause}`;
  const speeds = Object.entries(samplesPerSecond).map(([format, speed]) => `${format} ${speed} samples/s`);
  return `${head}admitted  ${speeds.join('  ')}`;
}

function backendLine({ backend, available, adapter, refusedBecause }: BackendReport): string {
  const head = `tfjs ${backend.padEnd(20)}  `;
  return (
    head +
    (available ? `available${adapter === undefined ? '' : `  ${adapter}`}` : `missing: ${refusedBecause}`)
  );
}
