/** Documents for TensorFlow.js: functional models are read, and what would not end well is refused before memory is taken. */
import { afterAll, describe, expect, it } from 'vitest';
import { adamRecipe, lstmModel, VOCABULARY } from '../support/lstm.ts';
import { counting, disposeSessions, flat, head, open, sequential, sgd } from '../support/tfjs.ts';

afterAll(disposeSessions);

describe('functional models', () => {
  const flow = (from: string) => ({
    class_name: '__keras_tensor__',
    config: { keras_history: [from, 0, 0] },
  });
  const layer3 = (class_name: string, name: string, config: object, args: unknown[]) => ({
    module: 'keras.layers',
    class_name,
    name,
    registered_name: null,
    config: { name, dtype: { class_name: 'DTypePolicy', config: { name: 'float32' } }, ...config },
    build_config: { input_shape: [null, 4] },
    inbound_nodes: [{ args, kwargs: {} }],
  });
  const keras3 = {
    class_name: 'Functional',
    config: {
      name: 'two-ways',
      layers: [
        {
          class_name: 'InputLayer',
          name: 'in',
          config: { name: 'in', batch_shape: [null, 4], dtype: 'float32' },
          inbound_nodes: [],
        },
        layer3('Dense', 'left', { units: 3, activation: 'tanh' }, [flow('in')]),
        layer3('Dense', 'right', { units: 3, activation: 'sigmoid' }, [flow('in')]),
        layer3('Multiply', 'both', {}, [[flow('left'), flow('right')]]),
        layer3('Dense', 'out', { units: 3, activation: 'softmax' }, [flow('both')]),
      ],
      input_layers: ['in', 0, 0],
      output_layers: ['out', 0, 0],
    },
  };

  it('of Keras 3 are read', async () => {
    const session = await open(keras3, sgd);
    const names = (await session.weights()).map(({ name }) => name);
    expect(names).toEqual(['left', 'right', 'out'].flatMap((name) => [`${name}/kernel`, `${name}/bias`]));
    const batch = {
      inputs: Uint8Array.from({ length: 12 }, (_, i) => 20 * i),
      labels: Uint8Array.of(0, 1, 2),
    };
    const first = await session.step(batch);
    for (let i = 0; i < 20; i++) await session.step(batch);
    expect(await session.step(batch)).toBeLessThan(first);
  });

  it('that call a layer twice, or have several ends, are refused', async () => {
    const [input, left, ...rest] = keras3.config.layers;
    const twice = { ...left!, inbound_nodes: [...left!.inbound_nodes, ...left!.inbound_nodes] };
    const layers = [input, twice, ...rest];
    await expect(open({ ...keras3, config: { ...keras3.config, layers } }, sgd)).rejects.toThrow(
      /layers\.1: a layer that is used several times/,
    );
    const output_layers = [
      ['both', 0, 0],
      ['out', 0, 0],
    ];
    await expect(open({ ...keras3, config: { ...keras3.config, output_layers } }, sgd)).rejects.toThrow(
      /several inputs or outputs/,
    );
  });
});

describe('a hostile or mistaken document', () => {
  const dense = (config: object) => ({ class_name: 'Dense', config: { units: 2, ...config } });
  const input = { batch_input_shape: [null, 4] };
  const wide = { units: 3500, kernel_initializer: 'zeros' };
  const nested = (levels: number): unknown => (levels === 0 ? dense(input) : sequential(nested(levels - 1)));
  const graph = (layers: unknown[]) => ({
    class_name: 'Functional',
    config: { layers, input_layers: [['in', 0, 0]], output_layers: [['out', 0, 0]] },
  });
  const entry = { class_name: 'InputLayer', name: 'in', config: input, inbound_nodes: [] };
  const taking = (...from: string[]) => ({
    ...dense({}),
    name: 'out',
    inbound_nodes: [from.map((name) => [name, 0, 0, {}])],
  });
  const cases: [string, unknown, RegExp][] = [
    ['nothing', {}, /not the JSON of a Sequential/],
    ['a layer of nobody', sequential({ class_name: 'Lambda', config: {} }), /layers\.0: .*no layer Lambda/],
    ['a prototype', sequential({ class_name: 'constructor', config: {} }), /no layer constructor/],
    ['a billion units', sequential(dense({ ...input, units: 1e9 })), /too many parameters/],
    [
      'parameters in sum',
      sequential(dense({ ...input, ...wide }), ...Array(3).fill(dense(wide))),
      /too many parameters/,
    ],
    [
      'endless repetition',
      sequential(dense(input), { class_name: 'RepeatVector', config: { n: 2e9 } }, flat, head),
      /too many|refuses/,
    ],
    ['300 layers', sequential(...Array(300).fill(dense(input))), /more than 256 layers/],
    ['layers in layers', nested(12), /nested too deeply/],
    [
      'a state that is kept',
      sequential({ class_name: 'LSTM', config: { units: 2, stateful: true } }),
      /keeps its state/,
    ],
    ['no shape', sequential(dense({})), /refuses|shape/],
    [
      'an open shape',
      sequential({ class_name: 'LSTM', config: { units: 2, batch_input_shape: [null, null, 4] } }),
      /shape of the input is not known/,
    ],
    ['a number too large', sequential(dense({ ...input, units: 1e300 })), /number is too large/],
    ['a cycle', graph([entry, taking('out')]), /no layer before it/],
    ['a link to nothing', graph([entry, taking('else')]), /no layer before it/],
    ['a layer that takes nothing', graph([entry, { ...dense({}), name: 'out' }]), /takes no output/],
    ['another output', graph([entry]), /names no layer/],
  ];
  it.each(cases)('%s is refused', async (_, model, message) => {
    const attempt = async () => open(model, sgd);
    await expect(attempt()).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:BAD_MODEL|UNSUPPORTED_TFJS)$/),
      message: expect.stringMatching(message),
    });
  });

  it('is told what loss and output do not fit, and which batch', async () => {
    await expect(
      open(sequential(dense(input)), { ...sgd, loss: 'binary_crossentropy' }),
    ).rejects.toMatchObject({
      code: 'BAD_RECIPE',
    });
    const session = await open(sequential(dense(input)), { ...sgd, batchSize: 1 });
    const inputs = new Uint8Array(4);
    await expect(session.step({ inputs, labels: Uint8Array.of(2) })).rejects.toMatchObject({
      code: 'BAD_BATCH',
    });
    await expect(session.step({ inputs: inputs.subarray(1), labels: Uint8Array.of(0) })).rejects.toThrow(
      /bytes/,
    );
    const text = await open(lstmModel, adamRecipe);
    const batch = counting(0);
    await expect(text.step({ ...batch, inputs: batch.inputs.with(7, VOCABULARY) })).rejects.toThrow(
      /vocabulary/,
    );
  });
});
