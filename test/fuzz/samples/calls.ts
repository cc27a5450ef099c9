/** Samples of parameters that JSON-RPC callers send, and of errors that endpoints answer. Whole calls: rpc.test.ts. */
import type { ChainApplication } from '../../../chain/application.ts';
import { readLogQuery } from '../../../chain/rpc/methods/logs.ts';
import * as params from '../../../chain/rpc/params.ts';
import { canonicalJson, FedaiError, parseJson, toHex } from '../../../core/index.ts';
import { explainRevert } from '../../../market/reverts.ts';
import type { Subject, Table } from '../subject.ts';
import { block, common } from './blocks.ts';

const hash = toHex(block.header.hash());
const address = `0x${'aa'.repeat(20)}`;
/** As much of a chain as parameters are read against. */
const application = {
  head: { height: 8 },
  headHeader: block.header,
  common,
  store: {
    heightOf: (asked: Uint8Array) => (toHex(asked) === hash ? 8 : undefined),
    block: (height: number) => (height <= 8 ? block : undefined),
  },
} as unknown as ChainApplication;

/** A reader of one value, fed what a parameter list holds first. */
function parameter(name: string, samples: readonly unknown[], read: (value: unknown) => unknown): Subject {
  return {
    covers: [`chain/rpc/params.ts#${name}`],
    format: 'json',
    samples: samples.map((sample) => canonicalJson([sample])),
    decode(bytes) {
      const list = parseJson(bytes, 1 << 20);
      return read(Array.isArray(list) ? list[0] : list);
    },
    share: 0.4,
  };
}

const blocks = ['latest', '0x5', { blockNumber: '0x8' }, { blockHash: hash, requireCanonical: true }];
const filters = [
  { fromBlock: '0x1', toBlock: 'latest', address, topics: [hash, null, [hash, hash]] },
  { blockHash: hash, address: [address, address], topics: [] },
];
const faults = [
  `0x08c379a0${'00'.repeat(31)}20${'00'.repeat(31)}02${'6869'.padEnd(64, '0')}`,
  { data: `execution reverted 0x${'12345678'}${'00'.repeat(64)}` },
  { data: { data: '0x12345678' } },
];

export const calls: Table = {
  readQuantity: parameter('readQuantity', ['0x0', '0x1f'], (value) => params.readQuantity(value, 'value')),
  readData: parameter('readData', ['0x', '0x0102'], (value) => params.readData(value, 'data')),
  readAddress: parameter('readAddress', [address], (value) => params.readAddress(value)),
  readHexAddress: parameter('readHexAddress', [address], (value) => params.readHexAddress(value, 'to')),
  readHash: parameter('readHash', [hash], (value) => params.readHash(value)),
  readSlot: parameter('readSlot', ['0x1', hash], (value) => params.readSlot(value, 'slot')),
  readHeight: parameter('readHeight', blocks, (value) => params.readHeight(application, value)),
  readHeader: parameter('readHeader', blocks, (value) => params.readHeader(application, value)),
  readCallHeader: parameter('readCallHeader', [...blocks, 'pending'], (value) =>
    params.readCallHeader(application, value, 1_800_000_000_000),
  ),
  readLogQuery: {
    covers: ['chain/rpc/methods/logs.ts#readLogQuery'],
    format: 'json',
    samples: filters.map(canonicalJson),
    decode: (bytes) => readLogQuery(application, parseJson(bytes, 1 << 20)),
    share: 0.6,
  },
  explainRevert: {
    covers: [],
    format: 'json',
    samples: faults.map(canonicalJson),
    decode: (bytes) =>
      explainRevert(
        new FedaiError('RPC_ERROR', 'execution reverted', { data: parseJson(bytes, 1 << 20) }),
        'call',
      ),
    share: 0.2,
  },
};
