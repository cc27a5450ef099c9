/** `fedai train`: trains a document on this machine alone, with the engine that jobs use. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { KernelName } from '../../engine/index.ts';
import type { BackendName } from '../../engine/tfjs/index.ts';
import { action } from '../action.ts';
import { imageSize, integer, MAX_THREADS, oneOf, shared } from '../options.ts';

interface Options {
  data: string;
  out: string;
  resume?: boolean;
  epochs?: number;
  steps?: number;
  seed: number;
  engine: 'auto' | 'exact' | 'tfjs';
  kernel: 'auto' | KernelName;
  backend: 'auto' | BackendName;
  start?: string;
  checkpointSeconds: number;
  size?: { width: number; height: number };
  threads: number;
}

const DAY_SECONDS = 86_400;
const MAX_SEED = 2 ** 32 - 1;

/** Logical processors often share a core in pairs, and steps of small models do not fill more than a few. */
const defaultThreads = (): number => Math.min(4, Math.ceil(availableParallelism() / 2));

/** What computes. */
const engineOptions = (command: Command): Command =>
  command
    .option(
      '--engine <engine>',
      'auto (exact where it covers the document), exact, or tfjs (TensorFlow.js in floats, quality-attested)',
      oneOf(['auto', 'exact', 'tfjs'] as const),
      'auto',
    )
    .option(
      '--backend <backend>',
      'of TensorFlow.js: auto (the first that trains the model), tensorflow-gpu, tensorflow, webgpu, wasm or cpu',
      oneOf(['auto', 'tensorflow-gpu', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const),
      'auto',
    )
    .option(
      '--kernel <kernel>',
      'auto (the fastest that gives the exact bits here), webgpu, wasm or reference',
      oneOf(['auto', 'webgpu', 'wasm', 'reference'] as const),
      'auto',
    )
    .option(
      '--threads <n>',
      'threads that share each step; the result is the same for any number',
      integer(1, MAX_THREADS),
      defaultThreads(),
    );

export function train(parent: Command): Command {
  const command = parent
    .command('train')
    .description('train a model on this machine, without the network')
    .argument(
      '<document>',
      'training document (fedai-train/1; its model may name an ONNX or Keras JSON file) or job document',
    )
    .requiredOption(
      '--data <source>',
      'demo, idx:DIR, npz:FILE, csv:FILE, parquet:FILE, images:DIR (a folder of PNG or JPEG files a class) or text:FILE',
    )
    .option('--out <dir>', 'folder of checkpoints, curve and model', 'run')
    .option('--size <WxH>', 'scale images to this size', imageSize)
    .option('--resume', 'go on with the run in the folder')
    .option(
      '--epochs <n>',
      'passes over the training set (default: of the document, else 1)',
      integer(1, 1e6),
    )
    .option('--steps <n>', 'steps in all, in place of --epochs', integer(1, 1e9))
    .option('--seed <n>', 'seed of first weights and order of samples', integer(0, MAX_SEED), 0)
    .option('--start <file>', 'weights to start from (safetensors, exact or floats)')
    .option('--checkpoint-seconds <n>', 'a checkpoint at least this often', integer(1, DAY_SECONDS), 10)
    .addHelpText(
      'after',
      `
The folder holds run.json (what is trained), state (the latest checkpoint), curve.jsonl (loss and accuracy by epoch)
and, at the end, curve.svg, model.safetensors (exact), model.f32.safetensors (floats) and, where ONNX has the layers, model.onnx. A run that was killed goes on with
--resume and ends in the same bits as one that was not.

A Keras or TensorFlow.js model that the exact engine does not cover is trained by TensorFlow.js in floats:
quality-attested, which nobody can execute again bit for bit. It leaves model.f32.safetensors, and model.json with
weights.bin for TensorFlow.js.

Examples:
  $ fedai train docs/examples/demo-job.json --data demo --epochs 3
  $ fedai train model.json --data idx:./mnist --out runs/1 --seed 7
  $ fedai train charmodel.json --data text:./input.txt
  $ fedai train model.json --data idx:./mnist --out runs/1 --seed 7 --resume --json`,
    );
  return shared(engineOptions(command)).action(
    action<Options, [string]>(async (context, options, path) => {
      const [{ trainRun }, { printRun }] = await Promise.all([
        import('../train/index.ts'),
        import('../train/print.ts'),
      ]);
      await trainRun(
        { ...options, out: resolve(options.out), document: path },
        printRun(context.output),
        context.signal,
      );
      return undefined;
    }),
  );
}
