/** The kinds of sources a data set can be imported from, and the one call that imports them. */
import type { ContentStore } from '../content.ts';
import { recordsFromIdx } from './idx.ts';
import { type ImportedDataset, type ImportOptions, importRecords, type Records } from './import.ts';

export type DatasetSource =
  | { kind: 'idx'; images: Uint8Array; labels: Uint8Array; classes?: number }
  | ({ kind: 'records' } & Records);

/** Stores shards and manifest and pins them. Throws `BAD_IDX`, `BAD_RECORDS`, `TOO_LARGE` before anything is stored. */
export async function importDataset(
  content: ContentStore,
  source: DatasetSource,
  options: ImportOptions,
): Promise<ImportedDataset> {
  const records =
    source.kind === 'idx' ? recordsFromIdx(source.images, source.labels, source.classes) : source;
  return importRecords(content, records, options);
}
