/** All kernels but the products, by the names that calls use. */
import { EMBED, EMBED_GRADIENT, HEAD_PRODUCT, NARROW_PARTS, SCORE_GRADIENTS, SHARES } from './attention.ts';
import { CLIP } from './clip.ts';
import { AVERAGE_BACKWARD, AVERAGE_FORWARD, DROPOUT, GELU, SCALE_OFFSET, SUM } from './graph.ts';
import { COLUMN_SUMS, MASK, NARROW, POOL_BACKWARD, POOL_FORWARD, RELU, WIDEN } from './layers.ts';
import { LOSS, SQUARED } from './loss.ts';
import {
  GROUP_SUMS,
  MOVE_STATISTICS,
  MOVING_STATISTICS,
  NORM_BACKWARD,
  NORMALISE,
  NORMALISE_MOVING,
  SCALE_GRADIENTS,
  SLOPES,
  STATISTICS,
} from './norm.ts';
import { ADAMW, MAGNITUDE, SGD, SGDW, SQUARES } from './optimise.ts';
import { FOLD_SLICES } from './products.ts';

export const KERNELS: Readonly<Record<string, string>> = {
  widen: WIDEN,
  narrow: NARROW,
  relu: RELU,
  mask: MASK,
  poolForward: POOL_FORWARD,
  poolBackward: POOL_BACKWARD,
  columnSums: COLUMN_SUMS,
  foldSlices: FOLD_SLICES,
  sum: SUM,
  averageForward: AVERAGE_FORWARD,
  averageBackward: AVERAGE_BACKWARD,
  gelu: GELU,
  dropout: DROPOUT,
  scaleOffset: SCALE_OFFSET,
  groupSums: GROUP_SUMS,
  statistics: STATISTICS,
  movingStatistics: MOVING_STATISTICS,
  slopes: SLOPES,
  scaleGradients: SCALE_GRADIENTS,
  moveStatistics: MOVE_STATISTICS,
  normalise: NORMALISE,
  normaliseMoving: NORMALISE_MOVING,
  normBackward: NORM_BACKWARD,
  embed: EMBED,
  embedGradient: EMBED_GRADIENT,
  headProduct: HEAD_PRODUCT,
  shares: SHARES,
  scoreGradients: SCORE_GRADIENTS,
  narrowParts: NARROW_PARTS,
  loss: LOSS,
  squared: SQUARED,
  sgd: SGD,
  sgdw: SGDW,
  adamw: ADAMW,
  magnitude: MAGNITUDE,
  squares: SQUARES,
  clip: CLIP,
};
