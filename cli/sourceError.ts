/** What is said of a data source that is none. */
import { FedaiError } from '../core/index.ts';

export const badSource = (message: string, source: string): FedaiError =>
  new FedaiError(
    'BAD_SOURCE',
    message,
    { got: source },
    {
      remedy:
        'give idx:DIR (IDX files as MNIST comes), npz:FILE, csv:FILE, parquet:FILE, images:DIR (a folder of PNG or JPEG files a class), text:FILE, or demo',
    },
  );
