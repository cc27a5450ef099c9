/** Every decoder under fuzzing, room by room. */
import { calls } from './samples/calls.ts';
import { chain } from './samples/chain.ts';
import { core } from './samples/core.ts';
import { jobs } from './samples/jobs.ts';
import { light } from './samples/light.ts';
import { market } from './samples/market.ts';
import { net } from './samples/net.ts';
import { signatures } from './samples/signatures.ts';
import { storage } from './samples/storage.ts';
import { tfjs } from './samples/tfjs.ts';
import { work } from './samples/work.ts';
import type { Table } from './subject.ts';

export const ROOMS: Readonly<Record<string, Table>> = {
  calls,
  chain,
  core,
  jobs,
  light,
  market,
  net,
  signatures,
  storage,
  tfjs,
  work,
};

/** Exported readers that no stranger's bytes reach directly, each with the reason. */
export const EXEMPT: Readonly<Record<string, string>> = {
  'chain/consensus/height.ts#openHeight': 'takes no bytes: opens the log whose records are decodeInput',
  'chain/consensus/wal.ts#openHeightLog': 'records are decodeInput, and a damaged one ends the replay',
  'chain/evidence/report.ts#readPunished': 'output of the own EVM',
  'chain/evidence/report.ts#readSlashed': 'output of the own EVM',
  'chain/execution/accounts.ts#readState': 'takes no bytes: its nodes are decodeNode',
  'chain/rpc/http.ts#readBody': 'a byte count over a socket: test/chain/rpc and rpc.test.ts here',
  'chain/rpc/pages.ts#openPages': 'reads the own build; paths that are asked for: test/chain/rpc/pages',
  'chain/spec/readValidators.ts#readValidators': 'output of the own EVM',
  'chain/store/levelStore.ts#openStore':
    'takes no bytes: its records are decodeBlock, decodeReceipts, decodePlace',
  'cli/explorer/openBrowser.ts#openBrowser': 'takes no bytes: starts the browser of the system',
  'cli/chainFile.ts#readChainFile':
    'parseJson and a schema; the same file is fuzzed through parseChainSpec and trustedOf',
  'cli/dataKeys.ts#readDataKey': 'own key file of 32 bytes',
  'cli/devnet/verdict.ts#openLedger': 'takes no bytes',
  'chain/rpc/http.ts#readBytes':
    'bounded bytes of a request; what they mean is found by readBody and openIntake',
  'engine/webgpu/device.ts#openDevice': 'opens a device of this machine',
  'engine/webgpu/kernel.ts#openDeviceKernel': 'opens a device of this machine',
  'storage/intake.ts#openIntake':
    'opens a store; blocks that it takes are hashed against their ids (test/chain/rpc/intake)',
  'storage/records/idx.ts#readDims': 'the head that streamIdx reads',
  'cli/image/index.ts#readImage': 'a file that the caller names: readPng, readJpeg and streamIdx',
  'cli/jobFile.ts#readJobDraft': 'readJobFile',
  'cli/jobFile.ts#readJobFile': 'a file that the caller names, of bounded size: parseJson and parseJob',
  'cli/keyFiles.ts#openKeys': 'own files: openKeystore',
  'cli/keyFiles.ts#readPublicKeys': 'own file: BAD_KEYS unless its format is named',
  'cli/keySet.ts#openKeySet': 'own files: openKeystore',
  'cli/metrics.ts#openMetrics': 'takes no bytes',
  'cli/party.ts#openMarket': 'takes no bytes',
  'cli/party.ts#openPeer': 'takes no bytes',
  'cli/password.ts#readPassword': 'any text is a password',
  'cli/postedJob.ts#readPostedJob': 'readDocument over what the contract names',
  'cli/train/document.ts#readTrainDocument': 'a file that the caller names, of bounded size: readModelSource',
  'cli/train/document.ts#parseTrainDocument':
    'a schema, then parseModel and parseRecipe, or parseTopology and parseFloatRecipe',
  'cli/train/folder.ts#openRunFolder': 'own files: decodeState, decodeCheckpoint',
  'cli/source.ts#readSource': 'files that the caller names: the streams of storage/records',
  'chain/work/openings.ts#readOpenings': 'output of the own EVM',
  'chain/work/cases.ts#readCases': 'output of the own EVM',
  'pouw/replay/lane.ts#openLane': 'takes no bytes: decodeBundle',
  'market/decodeWork.ts#decodeDraw':
    'a tuple of the ABI, decoded by the generated interface as those of decode.ts',
  'market/decodeWork.ts#decodeTrace': 'a tuple of the ABI',
  'market/decodeWork.ts#decodeWorkParameters': 'a tuple of the ABI',
  'market/market.ts#openEndpoints': 'takes no bytes',
  'worker/hasher.ts#openHasher': 'takes no bytes: decodeState and parseModel',
  'storage/atomic-file.ts#readFileIfPresent': 'hands bytes on as they are',
  'cli/modelSource.ts#readModelSource':
    'a file that the caller names, of bounded size: parseModel, importOnnx, importKeras, parseTopology',
  'engine/tfjs/backends.ts#openTraining': 'takes no bytes: buildModel',
  'engine/tfjs/webgpu.ts#openWebgpu': 'opens a device of this machine',
  'cli/image/index.ts#decodeImage': 'readPng, readJpeg, or a PGM of a length that must fit',
  'storage/records/parquet/column.ts#openColumn': 'takes no bytes: readPages',
  'storage/records/idxFiles.ts#readIdxImage': 'a file that the caller names: the head that streamIdx reads',
  'storage/dataset/open.ts#openDataset': 'decodeManifest and openShard; hostile sets are in test/storage',
  'storage/disk.ts#openDisk': 'takes no bytes',
  'storage/kubo-blocks.ts#openKubo': 'takes no bytes: blocks are hashed, readBounded counts them',
  'storage/kubo-store.ts#openKuboStore': 'takes no bytes',
  'storage/local-store.ts#openLocalStore': 'takes no bytes',
  'worker/jobStore.ts#openJobStore': 'own files: decodeState',
  'worker/trainer.ts#openTrainer': 'takes no bytes',
};
