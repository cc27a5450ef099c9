/** Samples of what chain nodes read: from peers, from callers, and from their own files, which may be damaged. */
import { encode } from '@ethereumjs/rlp';
import { decodeBlock, decodeHeader, encodeBlock } from '../../../chain/block.ts';
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
} from '../../../chain/consensus/answers.ts';
import { decodeEvidence, encodeEvidence } from '../../../chain/consensus/evidence.ts';
import { decodeInput, encodeInput, type Input } from '../../../chain/consensus/inputs.ts';
import {
  type ConsensusMessage,
  decodeConsensusMessage,
  encodeConsensusMessage,
} from '../../../chain/consensus/messages.ts';
import { decodeTransaction } from '../../../chain/execution/index.ts';
import { decodeNode } from '../../../chain/execution/trieNodes.ts';
import { readWhole } from '../../../chain/network/block-protocol.ts';
import { decodePlace, decodeReceipts, encodePlace, encodeReceipts } from '../../../chain/store/records.ts';
import {
  decodeFinalBlock,
  decodeRange,
  decodeStatus,
  encodeFinalBlock,
  encodeRange,
  encodeStatus,
} from '../../../chain/sync/messages.ts';
import { defaultPoolLimits } from '../../../chain/txpool/index.ts';
import { readTransaction } from '../../../chain/txpool/validate.ts';
import { toHex } from '../../../core/index.ts';
import { readBytes, readList } from '../../../light/index.ts';
import type { Table } from '../subject.ts';
import * as sample from './blocks.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const { block, firstBlock, commit, common, vote, nilVote, proposal, transactions } = sample;

/** A message keeps the bytes that it was read from; a copy does not. */
const encodeAgain = (message: ConsensusMessage) => encodeConsensusMessage({ ...message });
const codec = { encode: encodeBlock, decode: (bytes: Uint8Array) => decodeBlock(bytes, common) };
const inputs: Input[] = [
  { kind: 'start' },
  { kind: 'message', message: vote },
  { kind: 'block', id: toHex(block.header.hash()), block, valid: true },
  { kind: 'value', round: 3, id: toHex(filled(1, 32)) },
  { kind: 'timeout', step: 'precommit', round: 2 },
];
const receipts = [
  {
    ...{ type: 2, succeeded: true, from: filled(1, 20), to: filled(2, 20), contractAddress: null },
    ...{ gasUsed: 21_000n, cumulativeGasUsed: 0n, effectiveGasPrice: 10n ** 9n, bloom: filled(0, 256) },
    logs: [{ address: filled(2, 20), topics: [filled(3, 32), filled(4, 32)], data: filled(5, 70) }],
  },
  {
    ...{ type: 0, succeeded: false, from: filled(1, 20), to: null, contractAddress: filled(6, 20) },
    ...{ gasUsed: 50_000n, cumulativeGasUsed: 0n, effectiveGasPrice: 1n, bloom: filled(0, 256), logs: [] },
  },
];
const answer = { validator: 2, height: 7, commit, messages: [vote, nilVote, proposal] };
const sign = () => filled(7, 96);
const branch = Array.from({ length: 17 }, (_, i) => filled(i, i % 3 === 0 ? 32 : 0));
branch[16] = filled(0, 0);

const fromPeers: Table = {
  decodeConsensusMessage: {
    covers: ['chain/consensus/messages.ts#decodeConsensusMessage'],
    format: 'rlp',
    samples: [vote, nilVote, proposal].map(encodeAgain),
    decode: decodeConsensusMessage,
    encode: encodeAgain,
  },
  decodeBlock: {
    covers: ['chain/block.ts#decodeBlock'],
    format: 'rlp',
    samples: [block, firstBlock].map(encodeBlock),
    decode: codec.decode,
    encode: encodeBlock,
    share: 0.7,
  },
  decodeHeader: {
    covers: ['chain/block.ts#decodeHeader'],
    format: 'rlp',
    samples: [block, firstBlock].map(({ header }) => header.serialize()),
    decode: (bytes) => decodeHeader(bytes, common),
    encode: (header: typeof block.header) => header.serialize(),
  },
  readWhole: {
    covers: ['chain/network/block-protocol.ts#readWhole'],
    format: 'rlp',
    samples: [encodeBlock(block)],
    decode: (bytes) => readWhole(bytes, block.header.hash(), common),
    encode: encodeBlock,
    share: 0.3,
  },
  decodeStatus: {
    covers: ['chain/sync/messages.ts#decodeStatus'],
    format: 'rlp',
    samples: [
      { genesisHash: filled(1, 32), height: 7, headHash: filled(2, 32), commit },
      { genesisHash: filled(1, 32), height: 0, headHash: filled(1, 32), commit: null },
    ].map(encodeStatus),
    decode: decodeStatus,
    encode: encodeStatus,
  },
  decodeRange: {
    covers: ['chain/sync/messages.ts#decodeRange'],
    format: 'rlp',
    samples: [encodeRange({ from: 12, count: 32 }), encodeRange({ from: 2 ** 40, count: 1 })],
    decode: decodeRange,
    encode: encodeRange,
  },
  decodeFinalBlock: {
    covers: ['chain/sync/messages.ts#decodeFinalBlock'],
    format: 'rlp',
    samples: [block, firstBlock].map((one) => encodeFinalBlock(encodeBlock(one), commit)),
    decode: (bytes) => decodeFinalBlock(bytes, common),
    encode: (final: ReturnType<typeof decodeFinalBlock>) =>
      encodeFinalBlock(encodeBlock(final.block), final.commit),
    share: 0.5,
  },
  decodeQuestion: {
    covers: ['chain/consensus/answers.ts#decodeQuestion'],
    format: 'rlp',
    samples: [encodeQuestion({ nonce: filled(1, 32), publicKey: filled(2, 48) })],
    decode: decodeQuestion,
    encode: encodeQuestion,
  },
  decodeAnswer: {
    covers: ['chain/consensus/answers.ts#decodeAnswer'],
    format: 'rlp',
    samples: [answer, { ...answer, commit: null, messages: [] }].map((one) => encodeAnswer(one, sign)),
    decode: decodeAnswer,
    encode: ({ body, signature }: ReturnType<typeof decodeAnswer>) => encode([body, signature]),
  },
  decodeTransaction: {
    covers: ['chain/execution/blockRunner.ts#decodeTransaction'],
    format: 'bytes',
    samples: [...transactions, sample.unsigned],
    decode: (bytes) => decodeTransaction(bytes, common),
    share: 0.5,
  },
  readTransaction: {
    covers: ['chain/txpool/validate.ts#readTransaction'],
    format: 'bytes',
    samples: transactions,
    decode: (bytes) => readTransaction(bytes, common, defaultPoolLimits),
    share: 0.25,
  },
  /** RLP [type, body]: so the list behind the type byte is damaged as a list. */
  typedTransaction: {
    covers: [],
    format: 'rlp',
    samples: transactions.map((raw) =>
      raw[0]! < 0xc0 ? encode([raw.slice(0, 1), raw.slice(1)]) : encode([[], raw]),
    ),
    decode(bytes) {
      const items = readList(bytes, 'typed transaction', 1 << 20, 2);
      const type = items[0] instanceof Uint8Array ? items[0].slice(0, 1) : [];
      const raw = Uint8Array.from([...type, ...readBytes(items[1], 'body')]);
      return readTransaction(raw, common, defaultPoolLimits);
    },
    share: 0.5,
  },
};

const fromFiles: Table = {
  decodeEvidence: {
    covers: ['chain/consensus/evidence.ts#decodeEvidence'],
    format: 'rlp',
    samples: [encodeEvidence({ validator: 1, first: vote, second: { ...vote, blockHash: filled(1, 32) } })],
    decode: decodeEvidence,
    encode: ({ validator, first, second }: ReturnType<typeof decodeEvidence>) =>
      encodeEvidence({ validator, first: { ...first }, second: { ...second } }),
  },
  decodeInput: {
    covers: ['chain/consensus/inputs.ts#decodeInput'],
    format: 'rlp',
    samples: inputs.map((one) => encodeInput(one, codec)),
    decode: (bytes) => decodeInput(bytes, codec),
    encode: (input: Input) => encodeInput(input, codec),
  },
  decodeReceipts: {
    covers: ['chain/store/records.ts#decodeReceipts'],
    format: 'rlp',
    samples: [receipts, []].map(encodeReceipts),
    decode: decodeReceipts,
    encode: encodeReceipts,
  },
  decodePlace: {
    covers: ['chain/store/records.ts#decodePlace'],
    format: 'rlp',
    samples: [encodePlace({ height: 70_000, index: 0 })],
    decode: decodePlace,
    encode: encodePlace,
  },
  decodeNode: {
    covers: ['chain/execution/trieNodes.ts#decodeNode'],
    format: 'rlp',
    samples: [
      encode([Uint8Array.of(0x20, 1, 2), filled(3, 40)]),
      encode([Uint8Array.of(0x11), filled(3, 32)]),
      encode(branch),
      encode([...branch.slice(0, 15), [Uint8Array.of(0x31), Uint8Array.of(5)], filled(0, 0)]),
    ],
    decode: (bytes) => decodeNode(bytes, filled(0, 33)),
  },
};

export const chain: Table = { ...fromPeers, ...fromFiles };
