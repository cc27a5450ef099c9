/** Samples of what clients, workers and evaluators read: documents, models, states, messages of a training round. */
import { canonicalJson, parseJson, sha256, toHex, utf8 } from '../../../core/index.ts';
import {
  decodeState,
  encodeModel,
  encodeState,
  exportOnnx,
  importKeras,
  importOnnx,
  initialState,
  parseModel,
  parseRecipe,
  toFloatSafetensors,
  weightsFromSafetensors,
} from '../../../engine/index.ts';
import { readTensor, tensorBytes } from '../../../engine/state/encode.ts';
import { decodeModel } from '../../../engine/state/safetensors.ts';
import { decodeJob, encodeJob, type JobDocument, parseJob } from '../../../job/index.ts';
import { jobPostOf, type Job as PostedJob } from '../../../market/index.ts';
import { decodeMessage, encodeMessage, type RoundMessage } from '../../../worker/messages.ts';
import { readDocument } from '../../../worker/offer.ts';
import { toyModel, toyRecipe } from '../../support/toy.ts';
import type { Table } from '../subject.ts';

const cid = `b${'a'.repeat(58)}`;
const hash = `0x${'1f'.repeat(32)}` as const;
export const jobDocument: JobDocument = {
  format: 'fedai-job/1',
  name: 'toy',
  model: toyModel,
  recipe: toyRecipe,
  data: { train: { manifest: cid, encrypted: false }, test: { manifest: cid, encrypted: true } },
  training: { mode: 'federated', rounds: 3, stepsPerRound: 2, workers: 3 },
  evaluators: 3,
  targetScorePpm: 900_000,
  minimumBands: 0,
  roundTimeoutMs: 10_000,
  deadlines: {
    ...{ volunteerBlocks: 5, roundBlocks: 5, resultBlocks: 5 },
    ...{ keyBlocks: 5, commitBlocks: 5, revealBlocks: 5 },
  },
  reward: '1000000000000000000',
  workerStake: '0',
};
const convolutional = {
  ...toyModel,
  layers: [
    {
      class_name: 'Conv2D',
      config: { filters: 4, kernel_size: [3, 3], padding: 'same', activation: 'relu', use_bias: true },
    },
    { class_name: 'MaxPooling2D', config: { pool_size: [2, 2] } },
    { class_name: 'Flatten' },
    { class_name: 'Dense', config: { units: 4, activation: 'softmax', use_bias: true } },
  ],
};

const kerasModel = {
  class_name: 'Sequential',
  config: {
    layers: [
      {
        class_name: 'Conv2D',
        config: {
          name: 'c',
          batch_input_shape: [null, 8, 8, 1],
          filters: 2,
          kernel_size: [3, 3],
          activation: 'relu',
        },
      },
      { class_name: 'MaxPooling2D', config: { pool_size: [2, 2], strides: [2, 2] } },
      { class_name: 'Flatten', config: {} },
      { class_name: 'Dense', config: { units: 4, activation: 'softmax' } },
    ],
  },
};

const json = (bytes: Uint8Array) => parseJson(bytes, 1 << 20);
const small = parseModel({
  ...toyModel,
  input: [2, 2, 1],
  layers: [toyModel.layers[0], { ...toyModel.layers[2] }],
});
const model = parseModel(toyModel);
const state = initialState(small, sha256(utf8('seed')));
const drawn = parseModel({ ...convolutional, input: [4, 4, 1] });
const text = parseModel({
  ...convolutional,
  input: [4],
  layers: [
    { class_name: 'Embedding', config: { input_dim: 8, output_dim: 6 } },
    { class_name: 'PositionEmbedding' },
    { class_name: 'Attention', config: { num_heads: 1, causal: true } },
    { class_name: 'LayerNormalization' },
    { class_name: 'GELU' },
    { class_name: 'Dense', config: { units: 8, activation: 'softmax', use_bias: true } },
  ],
});

const messages: RoundMessage[] = [
  {
    kind: 'contribution',
    round: 3,
    contribution: { slot: 2, stateRoot: hash, lossQ16: -70_000, peerId: '12D3KooWabc' },
  },
  {
    kind: 'claim',
    slot: 1,
    claim: { round: 3, stateRoot: hash, stateCid: cid, contributors: [0, 1, 5], lossQ16: 1 },
    signature: `0x${'ab'.repeat(65)}`,
  },
];

/** What the contract holds of the bytes, so that damage reaches behind the hash. */
function postedOf(bytes: Uint8Array): PostedJob {
  const posting = { document: jobDocument, documentCid: cid, testRoot: hash, provable: false };
  const post = jobPostOf({ ...posting, testKeyCommitment: hash });
  const documentHash = toHex(sha256(bytes));
  return { reward: BigInt(jobDocument.reward), post: { ...post, documentHash } } as PostedJob;
}

export const jobs: Table = {
  parseModel: {
    covers: ['engine/model.ts#parseModel'],
    format: 'json',
    samples: [toyModel, convolutional].map(canonicalJson),
    decode: (bytes) => parseModel(json(bytes)),
  },
  parseRecipe: {
    covers: ['engine/model.ts#parseRecipe'],
    format: 'json',
    samples: [canonicalJson(toyRecipe)],
    decode: (bytes) => parseRecipe(json(bytes), model),
  },
  parseJob: {
    covers: ['job/document.ts#parseJob'],
    format: 'json',
    samples: [canonicalJson(jobDocument)],
    decode: (bytes) => parseJob(json(bytes)),
  },
  decodeJob: {
    covers: ['job/document.ts#decodeJob'],
    format: 'json',
    samples: [encodeJob(jobDocument)],
    decode: decodeJob,
    encode: ({ document }: ReturnType<typeof decodeJob>) => encodeJob(document),
  },
  readDocument: {
    covers: ['worker/offer.ts#readDocument'],
    format: 'json',
    samples: [encodeJob(jobDocument)],
    decode: (bytes) => readDocument(postedOf(bytes), bytes),
    share: 0.3,
  },
  decodeMessage: {
    covers: ['worker/messages.ts#decodeMessage'],
    format: 'json',
    samples: messages.map(encodeMessage),
    decode: decodeMessage,
    neverThrows: true,
  },
  decodeModel: {
    covers: ['engine/state/safetensors.ts#decodeModel'],
    format: 'bytes',
    samples: [encodeModel(small, state.weights)],
    decode: decodeModel,
    encode: (file: ReturnType<typeof decodeModel>) => encodeModel(file.model, file.weights),
  },
  /** The header damaged as JSON, with its length and the tensors put around it. */
  modelHeader: {
    covers: [],
    format: 'json',
    samples: [headerOf(encodeModel(small, state.weights))],
    decode: (header) => decodeModel(withHeader(encodeModel(small, state.weights), header)),
  },
  importOnnx: {
    covers: ['engine/exchange/onnx.ts#readOnnxGraph'],
    format: 'bytes',
    samples: [drawn, text].map((one) => exportOnnx(one, initialState(one, sha256(utf8('seed'))).weights)),
    decode: (bytes) => importOnnx(bytes),
    share: 0.5,
  },
  importKeras: {
    covers: [],
    format: 'json',
    samples: [utf8(JSON.stringify(kerasModel))],
    decode: (bytes) => importKeras(parseJson(bytes, 65_536)),
    share: 0.3,
  },
  floatWeights: {
    covers: [],
    format: 'bytes',
    samples: [toFloatSafetensors(small, state.weights)],
    decode: (bytes) => weightsFromSafetensors(small, bytes),
    share: 0.3,
  },
  decodeState: {
    covers: ['engine/state/encode.ts#decodeState'],
    format: 'bytes',
    samples: [encodeState(state), encodeState({ ...state, counter: 2 ** 40 })],
    decode: (bytes) => decodeState(small, bytes),
    encode: encodeState,
  },
  readTensor: {
    covers: ['engine/state/encode.ts#readTensor'],
    format: 'bytes',
    samples: [tensorBytes(Int32Array.of(1, -2, 2 ** 31 - 1))],
    decode: (bytes) => readTensor(bytes, 0, Math.floor(bytes.length / 4)),
    share: 0.5,
  },
};

function headerLength(file: Uint8Array): number {
  return Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
}

function headerOf(file: Uint8Array): Uint8Array {
  return file.slice(8, 8 + headerLength(file));
}

function withHeader(file: Uint8Array, header: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(header.length / 8) * 8).fill(0x20);
  padded.set(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  return Uint8Array.from([...length, ...padded, ...file.subarray(8 + headerLength(file))]);
}
