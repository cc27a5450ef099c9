/** The one call that imports a data set: records in memory, or a set that is read by index. */
import { FedaiError } from '../../core/index.ts';
import type { ContentStore } from '../content.ts';
import { type RecordSet, type Records, recordsInMemory, sizeOf } from '../records/record.ts';
import { type ImportedDataset, type ImportOptions, importRecords } from './import.ts';

export type DatasetSource = ({ kind: 'records' } & Records) | { kind: 'set'; set: RecordSet };

/** Stores shards and manifest and pins them. Throws `BAD_RECORDS` before anything is stored. */
export async function importDataset(
  content: ContentStore,
  source: DatasetSource,
  options: ImportOptions,
): Promise<ImportedDataset> {
  if (source.kind === 'set') return importRecords(content, source.set, options);
  const { inputs, labels, shape } = source;
  if (inputs.length !== labels.length * sizeOf(shape))
    throw new FedaiError(
      'BAD_RECORDS',
      'inputs and labels do not belong together',
      { records: labels.length, got: inputs.length, expected: labels.length * sizeOf(shape) },
      { remedy: 'check that image and label file are of the same set and complete' },
    );
  return importRecords(content, recordsInMemory(source), options);
}
