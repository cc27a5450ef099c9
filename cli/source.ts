/** Data sources as named on the command line: `idx:DIR`, or `demo` for the digits that come with the package. */
import { FedaiError } from '../core/index.ts';
import { type Records, readIdxDirectory, recordsFromIdx } from '../storage/index.ts';
import { checkDemoData, DEMO_DATA } from './demo/index.ts';

/** Throws `BAD_SOURCE` for another scheme, and what the reader throws. */
export async function readSource(source: string): Promise<{ train: Records; test: Records }> {
  if (source === 'demo') checkDemoData();
  const folder = source === 'demo' ? DEMO_DATA : /^idx:(.+)$/.exec(source)?.[1];
  if (folder === undefined) {
    throw new FedaiError(
      'BAD_SOURCE',
      'not a data source',
      { got: source },
      {
        remedy: 'give idx:DIR, a folder with IDX files as MNIST comes, or demo',
      },
    );
  }
  const files = await readIdxDirectory(folder);
  const train = recordsFromIdx(files.train.images, files.train.labels);
  return { train, test: recordsFromIdx(files.test.images, files.test.labels, train.classes) };
}
