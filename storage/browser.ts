/** What a browser loads of storage: reading by content id, and making data sets of what was dropped into a page. */
export {
  badIdx,
  type IdxArray,
  idxFileOf,
  parsePlainIdx,
  recordsOfIdx,
  TEST_SET,
  TRAIN_SET,
} from './dataset/idx-parse.ts';
export { type ImportedDataset, type ImportOptions, importRecords, type Records } from './dataset/import.ts';
export { openDataset } from './dataset/open.ts';
export { recordsFromCsv, recordsFromText, splitRecords } from './dataset/text.ts';
export { gatewayStore } from './gateway-store.ts';
export { LEAF_BYTES, leafCid } from './leaf.ts';
