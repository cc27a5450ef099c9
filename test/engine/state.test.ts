import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concatBytes,
  equalBytes,
  FedaiError,
  merkleLeaf,
  sha256,
  toHex,
  uintBytes,
  utf8,
} from '../../core/index.ts';
import {
  countCorrect,
  decodeModel,
  decodeState,
  encodeModel,
  encodeState,
  initialState,
  meanState,
  modelHash,
  outputsRoot,
  parseModel,
  stateLength,
  stateRoots,
  type TrainState,
  toFloatSafetensors,
} from '../../engine/index.ts';
import { createNoise, smallModels } from './support.ts';

const model = parseModel(smallModels['conv-pool']);
const randomState = (seed: number, counter = 3): TrainState => {
  const noise = createNoise(seed);
  const fill = () =>
    model.tensors.map(({ size }) => Int32Array.from({ length: size }, () => Math.max(-2147483647, noise())));
  return { counter, weights: fill(), velocity: fill() };
};

describe('initial state', () => {
  it('is drawn from the seed alone and stays within the bound of He', () => {
    const state = initialState(model, Uint8Array.of(1, 2, 3));
    expect(initialState(model, Uint8Array.of(1, 2, 3))).toEqual(state);
    expect(initialState(model, Uint8Array.of(1, 2, 4)).weights[0]).not.toEqual(state.weights[0]);
    // fan-in 3 · 3 · 2: floor(2^24 · sqrt(6 / 18))
    const bound = Math.floor(2 ** 24 * Math.sqrt(6 / 18));
    expect(Math.max(...state.weights[0]!.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(Math.max(...state.weights[0]!.map(Math.abs))).toBeGreaterThan(bound * 0.9);
    expect(state.weights[1]!.every((value) => value === 0)).toBe(true);
    const block = sha256(
      concatBytes(Uint8Array.of(1, 2, 3), utf8('fedai-init/1'), uintBytes(0, 4), uintBytes(0, 4)),
    );
    const draw = block[0]! * 65536 + block[1]! * 256 + block[2]!;
    expect(state.weights[0]![0]).toBe(Math.floor((draw * (2 * bound + 1)) / 2 ** 24) - bound);
  });
});

describe('mean', () => {
  it('is exact, rounds halves up and ignores the order', () => {
    const states = [randomState(1), randomState(2), randomState(3)];
    const mean = meanState(states);
    expect(meanState([states[2]!, states[0]!, states[1]!])).toEqual(mean);
    const values = states.map((state) => BigInt(state.weights[0]![5]!));
    const sum = values.reduce((a, b) => a + b);
    const floor = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;
    expect(BigInt(mean.weights[0]![5]!)).toBe(floor(2n * sum + 3n, 6n));
    const half = (value: number): TrainState => ({
      ...states[0]!,
      weights: states[0]!.weights.map((t) => new Int32Array(t.length).fill(value)),
    });
    expect(meanState([half(-1), half(-2)]).weights[0]![0]).toBe(-1);
    expect(meanState([half(1), half(2)]).weights[0]![0]).toBe(2);
  });

  it('refuses states that do not belong together', () => {
    expect(() => meanState([])).toThrow(FedaiError);
    expect(() => meanState([randomState(1), randomState(2, 4)])).toThrow('differ');
    expect(() => meanState([randomState(1), { ...randomState(2), weights: [] }])).toThrow('differ');
  });
});

describe('state bytes', () => {
  it('round-trip', () => {
    const state = randomState(8, 2 ** 40);
    const bytes = encodeState(state);
    expect(bytes.length).toBe(stateLength(model));
    expect(decodeState(model, bytes)).toEqual(state);
  });

  it('refuse any other length, magic, counter or value', () => {
    const bytes = encodeState(randomState(8));
    const patched = (at: number, ...values: number[]) => {
      const copy = bytes.slice();
      copy.set(values, at);
      return copy;
    };
    expect(() => decodeState(model, bytes.subarray(1))).toThrow('length');
    expect(() => decodeState(model, patched(0, 0))).toThrow('not a training state');
    expect(() => decodeState(model, patched(20, 255))).toThrow('counter');
    expect(() => decodeState(model, patched(28, 0, 0, 0, 128))).toThrow('out of range');
  });

  it('fail only with coded errors on garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, sized) => {
        const bytes = sized ? new Uint8Array(stateLength(model)) : noise;
        if (sized) bytes.set(noise.subarray(0, bytes.length));
        try {
          expect(encodeState(decodeState(model, bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FedaiError);
        }
      }),
    );
  });
});

describe('roots', () => {
  it('change with every single value, the counter and the document', () => {
    const state = randomState(4);
    const roots = stateRoots(model, state);
    expect(roots.stateRoot).toEqual(
      sha256(concatBytes(utf8('fedai-state/1'), roots.weightsRoot, roots.optimiserRoot, uintBytes(3, 8))),
    );
    expect(modelHash(model, state.weights)).toEqual(roots.weightsRoot);
    const touched = structuredClone(state) as {
      counter: number;
      weights: Int32Array[];
      velocity: Int32Array[];
    };
    touched.velocity[2]![1]! ^= 1;
    expect(equalBytes(stateRoots(model, touched).stateRoot, roots.stateRoot)).toBe(false);
    expect(stateRoots(model, touched).weightsRoot).toEqual(roots.weightsRoot);
    const other = parseModel({ ...smallModels['conv-pool'], input: [6, 7, 2] });
    expect(other.parameters).toBe(model.parameters);
    expect(toHex(modelHash(other, state.weights))).not.toBe(toHex(roots.weightsRoot));
  });

  it('split tensors into chunks of 64 KiB', () => {
    const wide = parseModel({
      format: 'fedai-model/1',
      numeric: 'bfp12@1',
      input: [20_000 / 8],
      layers: [{ class_name: 'Dense', config: { units: 8, activation: 'softmax', use_bias: false } }],
    });
    const state = initialState(wide, Uint8Array.of(1));
    const bytes = encodeState(state).subarray(28, 28 + 80_000);
    const [first, second] = [merkleLeaf(bytes.subarray(0, 65_536)), merkleLeaf(bytes.subarray(65_536))];
    const node = (left: Uint8Array, right: Uint8Array) => sha256(concatBytes(Uint8Array.of(1), left, right));
    const document = merkleLeaf(
      utf8(
        JSON.stringify({
          format: 'fedai-model/1',
          input: [2500],
          layers: [{ class_name: 'Dense', config: { activation: 'softmax', units: 8, use_bias: false } }],
          numeric: 'bfp12@1',
        }),
      ),
    );
    expect(modelHash(wide, state.weights)).toEqual(node(node(document, first), second));
  });
});

describe('model files', () => {
  const { weights } = randomState(6);
  const file = encodeModel(model, weights);

  it('are safetensors that round-trip', () => {
    const decoded = decodeModel(file);
    expect(decoded.weights).toEqual(weights);
    expect(decoded.model.document).toEqual(model.document);
    const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
    expect(header['layers.0.kernel']).toEqual({ dtype: 'I32', shape: [3, 3, 2, 5], data_offsets: [0, 360] });
  });

  it('are read without being changed, whatever kind of bytes they come in', () => {
    const buffer = Buffer.from(file);
    expect(decodeModel(buffer).weights).toEqual(weights);
    expect(equalBytes(buffer, file)).toBe(true);
    expect(decodeModel(buffer).weights).toEqual(weights);
  });

  it('have a float view', () => {
    const floats = toFloatSafetensors(model, weights);
    const view = new DataView(floats.buffer, floats.byteOffset);
    const start = 8 + Number(view.getBigUint64(0, true));
    expect(view.getFloat32(start, true)).toBe(Math.fround(weights[0]![0]! / 2 ** 24));
  });

  it('refuse every flipped byte of the header and every cut', () => {
    const start = file.length - 4 * model.parameters;
    for (let at = 0; at < start; at += 3) {
      const copy = file.slice();
      copy[at]! ^= 0x11;
      // A changed header either breaks the file or describes another model: never the same hash.
      try {
        const decoded = decodeModel(copy);
        expect(equalBytes(modelHash(decoded.model, decoded.weights), modelHash(model, weights))).toBe(false);
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_MODEL_FILE' });
      }
    }
    for (const cut of [0, 7, 8, 40, start, file.length - 1])
      expect(() => decodeModel(file.subarray(0, cut))).toThrow(FedaiError);
    expect(() => decodeModel(concatBytes(file, Uint8Array.of(0)))).toThrow('amount of data');
  });

  it('fail only with coded errors on garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.jsonValue(), (noise, json) => {
        const header = utf8(JSON.stringify(json));
        const length = Uint8Array.of(header.length & 255, header.length >> 8, 0, 0, 0, 0, 0, 0);
        for (const bytes of [noise, concatBytes(length, header, noise)]) {
          expect(() => decodeModel(bytes)).toThrow(expect.objectContaining({ code: 'BAD_MODEL_FILE' }));
        }
      }),
    );
  });
});

describe('outputs', () => {
  const predictions = { classes: Uint16Array.of(1, 0), logitsQ16: Int32Array.of(-1, 5, 7, -65536) };

  it('hash class and logits of every sample', () => {
    const leaf = (...bytes: number[]) => merkleLeaf(Uint8Array.from(bytes));
    const [first, second] = [
      leaf(0, 1, 255, 255, 255, 255, 0, 0, 0, 5),
      leaf(0, 0, 0, 0, 0, 7, 255, 255, 0, 0),
    ];
    expect(outputsRoot(predictions)).toEqual(sha256(concatBytes(Uint8Array.of(1), first, second)));
  });

  it('are counted against labels', () => {
    expect(countCorrect(predictions, Uint8Array.of(1, 1))).toBe(1);
    expect(() => countCorrect(predictions, Uint8Array.of(1))).toThrow('one label');
  });
});
