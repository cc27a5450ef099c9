/** What replays cost: every layer and optimiser counts, and what only the reference runs costs as much as it takes. */
import { describe, expect, it } from 'vitest';
import { parseModel, parseRecipe } from '../../engine/index.ts';
import { stepCost } from '../../job/index.ts';
import { dense, sgd } from '../engine/support.ts';

const plan = (input: number[], layers: object[]) =>
  parseModel({ format: 'fedai-model/1', numeric: 'bfp12@1', input, layers });
const schedule = { peakQ24: 1000, warmupSteps: 0, decay: 'constant', decaySteps: 0, floorQ24: 0 };

describe('the cost of a step', () => {
  it('counts attention by heads, keys and values', () => {
    const embed = { class_name: 'Embedding', config: { input_dim: 8, output_dim: 12 } };
    const attend = { class_name: 'Attention', config: { num_heads: 2, causal: true } };
    const model = plan([16], [embed, attend, dense(8, 'softmax')]);
    const recipe = parseRecipe(sgd({}), model);
    expect(stepCost(model, recipe)).toMatchObject({
      macs: 3 * 4 * (2 * 16 * 16 * 4 + 16 * 4 * 8),
      elements: 2 * 4 * (16 * 12 + 16 * 4 + 2 * 256 + 16 * 8),
    });
  });

  it('counts every pass of a normalisation, groups, and what an optimiser does to each parameter', () => {
    const grouped = {
      class_name: 'Conv2D',
      config: {
        filters: 4,
        kernel_size: [3, 3],
        padding: 'same',
        groups: 2,
        activation: 'linear',
        use_bias: false,
      },
    };
    const layers = [
      grouped,
      { class_name: 'BatchNormalization' },
      { class_name: 'Flatten' },
      dense(2, 'softmax'),
    ];
    const model = plan([4, 4, 2], layers);
    const plain = parseRecipe(sgd({}), model);
    const adamw = {
      class_name: 'AdamW',
      config: { beta1Shift: 3, beta2Shift: 8, epsilonQ34: 1, weightDecayQ24: 0, schedule },
    };
    const costly = parseRecipe({ ...sgd({}), optimizer: adamw, clipNormQ16: 1 }, model);
    expect(stepCost(model, plain).macs).toBe(3 * 4 * (16 * 4 * 9 + 64 * 2));
    expect(stepCost(model, plain).elements).toBe(2 * 4 * (64 + 3 * 64 + 64 + 2));
    expect(stepCost(model, costly).elements).toBe(stepCost(model, plain).elements + 5 * model.parameters);
  });

  it('has limits that hostile documents meet', () => {
    const heads = [
      { class_name: 'Embedding', config: { input_dim: 8, output_dim: 192 } },
      { class_name: 'Attention', config: { num_heads: 64, causal: false } },
      dense(8, 'softmax'),
    ];
    expect(() => parseRecipe(sgd({ batchSize: 64 }), plan([512], heads))).toThrow('too large');
    const many = Array.from({ length: 17 }, (_, i) => ({ class_name: 'ReLU', name: `r${i}`, from: ['a'] }));
    const sums = Array.from({ length: 3 }, (_, i) => ({
      class_name: 'Add',
      name: `s${i}`,
      from: many.slice(6 * i, 6 * i + 6).map(({ name }) => name),
    }));
    const join = { class_name: 'Add', from: ['s0', 's1', 's2'] };
    const first = { ...dense(4, 'linear'), name: 'a' };
    expect(() => plan([4], [first, ...many, ...sums, join, dense(2, 'softmax')])).toThrow('too many layers');
  });
});
