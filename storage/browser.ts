/** What a browser loads of storage: reading by content id, and making data sets of what was dropped into a page. */
export { type ImportedDataset, type ImportOptions, importRecords } from './dataset/import.ts';
export { openDataset } from './dataset/open.ts';
export { gatewayStore } from './gateway-store.ts';
export { LEAF_BYTES, leafCid } from './leaf.ts';
export { bytesInMemory } from './records/bytes.ts';
export { streamCsv } from './records/csv.ts';
export { idxFileOf, streamIdx, TEST_SET, TRAIN_SET } from './records/idx.ts';
export { collect, type Records, recordsInMemory, splitRecords } from './records/record.ts';
export { streamText } from './records/text.ts';
