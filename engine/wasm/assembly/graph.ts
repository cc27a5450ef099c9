// Exported kernels of the plain build: those of every build, and the layers, losses and optimisers that only graphs use.
export * from './index';
export {
  accumulate, addRepeated, averageForward, dropout, gatherRows, lookUp, lookUpTimes, scaleBy, scatterRows, spreadWindows,
} from './elementwise';
export {
  channelSlopes, channelStatistics, columnDots, normBackward, normalise, normaliseMoving, rowSlopes, rowStatistics, scaleOffset,
} from './norm';
export {
  attentionForward, attentionScratch, narrowParts, scoreGradients, scoreProducts, shareGradients, shareProducts,
} from './attention';
export { crossEntropy } from './softmax';
export { adamw, scaleDown, sgdw, sumSquares } from './optimise';
