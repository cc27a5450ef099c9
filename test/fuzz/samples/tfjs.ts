/** Samples of what the TensorFlow.js engine reads: topologies, as far as the library builds them, recipes and checkpoints. */
import { canonicalJson, parseJson, utf8 } from '../../../core/index.ts';
import { readTensors } from '../../../engine/exchange/fromSafetensors.ts';
import { buildModel, disposeModel } from '../../../engine/tfjs/build.ts';
import { decodeCheckpoint, encodeCheckpoint } from '../../../engine/tfjs/checkpoint.ts';
import { parseFloatRecipe, parseTopology } from '../../../engine/tfjs/index.ts';
import { type Library, load, loadLibrary } from '../../../engine/tfjs/library.ts';
import { adamRecipe, lstmModel } from '../../support/lstm.ts';
import { toyRecipe } from '../../support/toy.ts';
import type { Table } from '../subject.ts';

const convolutional = {
  modelTopology: {
    class_name: 'Functional',
    config: {
      name: 'images',
      layers: [
        { class_name: 'InputLayer', name: 'in', config: { name: 'in', batch_input_shape: [null, 6, 6, 1] } },
        {
          class_name: 'SeparableConv2D',
          name: 'conv',
          config: { name: 'conv', filters: 2, kernel_size: [3, 3], activation: 'elu' },
          inbound_nodes: [[['in', 0, 0, {}]]],
        },
        {
          class_name: 'BatchNormalization',
          name: 'norm',
          config: { name: 'norm' },
          inbound_nodes: [[['conv', 0, 0, {}]]],
        },
        {
          class_name: 'Flatten',
          name: 'flat',
          config: { name: 'flat' },
          inbound_nodes: [[['norm', 0, 0, {}]]],
        },
        {
          class_name: 'Dense',
          name: 'out',
          config: { name: 'out', units: 3, activation: 'softmax' },
          inbound_nodes: [[['flat', 0, 0, {}]]],
        },
      ],
      input_layers: [['in', 0, 0]],
      output_layers: [['out', 0, 0]],
    },
  },
};

const read = (bytes: Uint8Array): unknown => parseJson(bytes, 65_536);
const topologies = [lstmModel, convolutional].map((model) => utf8(JSON.stringify(model)));

let library: Library | undefined;
async function onProcessor(): Promise<Library> {
  if (library) return library;
  library = loadLibrary();
  load('@tensorflow/tfjs-backend-cpu');
  await library.core.setBackend('cpu');
  return library;
}

const tensor = { name: 'w', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) };
const checkpoint = encodeCheckpoint({ counter: 7, backend: 'cpu' }, [tensor]);

export const tfjs: Table = {
  parseTopology: {
    covers: ['engine/tfjs/topology.ts#parseTopology'],
    format: 'json',
    samples: topologies,
    decode: (bytes) => parseTopology(read(bytes)),
    share: 0.5,
  },
  buildModel: {
    covers: [],
    format: 'json',
    samples: topologies,
    async decode(bytes) {
      const topology = parseTopology(read(bytes));
      const { model, parameters } = await buildModel(await onProcessor(), topology, 1);
      disposeModel(model);
      return parameters;
    },
    share: 0.05,
  },
  parseFloatRecipe: {
    covers: ['engine/tfjs/recipe.ts#parseFloatRecipe'],
    format: 'json',
    samples: [adamRecipe, toyRecipe].map(canonicalJson),
    decode: (bytes) => parseFloatRecipe(read(bytes)),
    share: 0.3,
  },
  decodeCheckpoint: {
    covers: ['engine/tfjs/checkpoint.ts#decodeCheckpoint'],
    format: 'bytes',
    samples: [checkpoint],
    decode: (bytes) => decodeCheckpoint(bytes, [tensor]),
    share: 0.3,
  },
  readTensors: {
    covers: ['engine/exchange/fromSafetensors.ts#readTensors'],
    format: 'bytes',
    samples: [checkpoint],
    decode: (bytes) => readTensors(bytes, [tensor]),
    share: 0.3,
  },
};
