/** `fedai job fetch`: the model of a job, checked against the hash on chain. */
import { rename, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { FedaiError, fromHex, toHex } from '../../core/index.ts';
import { action } from '../action.ts';
import {
  type ChainAccess,
  type ContentAccess,
  chainAccess,
  contentAccess,
  firstUrl,
  jobId,
  shared,
} from '../options.ts';
import { openMarket } from '../party.ts';

interface Options extends ChainAccess, ContentAccess {
  output: string;
  float?: string;
}

export function jobFetch(parent: Command): Command {
  const command = parent
    .command('fetch')
    .description('fetch the model of a job and check it against the hash on chain')
    .argument('<id>', 'number of the job', jobId)
    .option('--output <file>', 'where to write the exact model (safetensors, int32)', 'model.safetensors')
    .option('--float <file>', 'also write the same weights as float32 safetensors, for other tools')
    .addHelpText(
      'after',
      '\nExample:\n  $ fedai job fetch 1 --chain-spec chain.json --output digits.safetensors',
    );
  return shared(contentAccess(chainAccess(command))).action(
    action<Options, [string]>(async (context, options, id) => {
      const { market } = await openMarket(context, options);
      const job = await market.job(BigInt(id));
      if (job.modelCid === '') throw noModel(id, job.state);
      const [
        { decodeModel, MAX_MODEL_FILE_BYTES, modelHash, toFloatSafetensors },
        { gatewayStore, openKuboStore },
      ] = await Promise.all([import('../../engine/index.ts'), import('../../storage/index.ts')]);
      context.output.progress(`fetching ${job.modelCid} …`);
      const limits = { maxBytes: MAX_MODEL_FILE_BYTES, signal: context.signal };
      const kubo =
        options.ipfs === undefined ? undefined : await openKuboStore(options.ipfs, context.output.log);
      const content = kubo?.content ?? gatewayStore(firstUrl(options.rpc));
      const bytes = await content.getBytes(job.modelCid, limits).finally(() => kubo?.close());
      const { model, weights } = decodeModel(bytes);
      const hash = toHex(modelHash(model, weights));
      if (hash !== toHex(fromHex(job.modelHash))) throw wrongModel(hash, job.modelHash);
      await writeWhole(options.output, bytes);
      if (options.float !== undefined) await writeWhole(options.float, toFloatSafetensors(model, weights));
      context.output.event(
        {
          event: 'model',
          id,
          modelCid: job.modelCid,
          modelHash: hash,
          file: options.output,
          bytes: bytes.length,
        },
        `${options.output}  ${bytes.length} bytes, hash ${hash} as on chain`,
      );
      return undefined;
    }),
  );
}

/** Never leaves half a file under the final name. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  await writeFile(beside, bytes);
  await rename(beside, path);
}

const noModel = (id: string, state: string): FedaiError =>
  new FedaiError(
    'NO_MODEL',
    'this job has no model',
    { id, state },
    {
      remedy: 'wait until its training has ended (`fedai job watch`)',
    },
  );

const wrongModel = (got: string, expected: string): FedaiError =>
  new FedaiError(
    'WRONG_MODEL',
    'the model that was fetched is not the one on chain',
    { got, expected },
    {
      remedy: 'its submitter published another file; trust the hash on chain, not the file',
    },
  );
