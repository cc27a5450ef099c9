/** `fedai predict`: runs a trained model on one image, on this machine. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { action } from '../action.ts';
import { httpUrl, shared } from '../options.ts';

interface Options {
  rpc?: string;
  invert?: boolean;
}

export function predict(parent: Command): Command {
  const command = parent
    .command('predict')
    .description('run a trained model on one image')
    .argument('<model>', 'model file (safetensors, from `fedai job fetch`), or its content id with --rpc')
    .argument('<image>', 'PNG, JPEG, PGM or raw file of the model’s size; idx:FILE:NUMBER; demo:NUMBER')
    .option('--rpc <url>', 'chain node to fetch the model from when it is given by content id', httpUrl)
    .option('--invert', 'black on white: the demo model was trained on white digits on black')
    .addHelpText(
      'after',
      `
Examples:
  $ fedai predict model.safetensors digit.png
  $ fedai predict model.safetensors demo:7
  $ fedai predict bafy… seven.pgm --rpc http://127.0.0.1:8545 --json`,
    );
  return shared(command).action(
    action<Options, [string, string]>(async ({ output, signal }, options, modelSource, imageSource) => {
      const [{ createEngine, decodeModel }, { readImage }] = await Promise.all([
        import('../../engine/index.ts'),
        import('../image/index.ts'),
      ]);
      const { model, weights } = decodeModel(await modelBytes(modelSource, options.rpc, signal));
      const { pixels, label } = await readImage(imageSource, model.document.input);
      const inputs = options.invert ? pixels.map((value) => 255 - value) : Uint8Array.from(pixels);
      const engine = await createEngine();
      const { classes, logitsQ16 } = engine.predict(model, weights, inputs, 1);
      const shares = softmax(Array.from(logitsQ16, (value) => value / 65_536));
      output.event(
        {
          event: 'prediction',
          class: classes[0],
          probabilities: shares,
          ...(label !== undefined && { label }),
        },
        `class ${classes[0]} (${(100 * shares[classes[0]!]!).toFixed(1)} %)${label === undefined ? '' : `, labelled ${label}`}`,
      );
      return undefined;
    }),
  );
}

async function modelBytes(source: string, rpc: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
  // A copy: Node's buffers share memory with each other, plain arrays do not.
  if (rpc === undefined) return Uint8Array.from(await readFile(source));
  const [{ gatewayStore }, { MAX_MODEL_FILE_BYTES }] = await Promise.all([
    import('../../storage/index.ts'),
    import('../../engine/index.ts'),
  ]);
  return gatewayStore(rpc).getBytes(source, { maxBytes: MAX_MODEL_FILE_BYTES, signal });
}

/** For show only: scores come from the exact logits. */
function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}
