export { readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
export type { ContentReader, ContentStore, ReadOptions } from './content.ts';
export { MAX_STORED_SHARD_BYTES } from './dataset/cipher.ts';
export type { ImportedDataset, ImportOptions } from './dataset/import.ts';
export {
  type Batch,
  type Dataset,
  type OpenOptions,
  openDataset,
  type ProvedRecord,
} from './dataset/open.ts';
export { type DatasetSource, importDataset } from './dataset/source.ts';
export { gatewayStore } from './gateway-store.ts';
export { type Intake, type IntakeOptions, openIntake } from './intake.ts';
export { openKuboStore } from './kubo-store.ts';
export { createMemoryStore, type LocalStore, openLocalStore } from './local-store.ts';
export { createPeer, type Peer, type PeerInput } from './peer.ts';
export { type ByteSource, bytesInMemory } from './records/bytes.ts';
export { streamCsv } from './records/csv.ts';
export { bytesOfFile } from './records/file.ts';
export { streamIdx } from './records/idx.ts';
export { findIdxFiles, type IdxFiles, readIdxImage, ungzipped, withIdx } from './records/idxFiles.ts';
export { openNpz } from './records/npz.ts';
export { type DecodeImage, streamParquet } from './records/parquet/stream.ts';
export {
  collect,
  type RecordBatch,
  type RecordSet,
  type RecordStream,
  type Records,
  recordsInMemory,
} from './records/record.ts';
export { type RecordSets, spool, spoolSplit } from './records/spool.ts';
export { streamText } from './records/text.ts';
