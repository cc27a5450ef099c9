export { readFileIfPresent, writeFileAtomic } from './atomic-file.ts';
export type { ContentReader, ContentStore, ReadOptions } from './content.ts';
export { MAX_STORED_SHARD_BYTES } from './dataset/cipher.ts';
export { type IdxPair, parseIdx, readIdxDirectory, recordsFromIdx } from './dataset/idx.ts';
export type { ImportedDataset, ImportOptions, Records } from './dataset/import.ts';
export { recordsFromNpz } from './dataset/npz.ts';
export {
  type Batch,
  type Dataset,
  type OpenOptions,
  openDataset,
  type ProvedRecord,
} from './dataset/open.ts';
export { type DatasetSource, importDataset } from './dataset/source.ts';
export { recordsFromCsv, recordsFromText, splitRecords } from './dataset/text.ts';
export { gatewayStore } from './gateway-store.ts';
export { type Intake, type IntakeOptions, openIntake } from './intake.ts';
export { openKuboStore } from './kubo-store.ts';
export { createMemoryStore, type LocalStore, openLocalStore } from './local-store.ts';
export { createPeer, type Peer, type PeerInput } from './peer.ts';
