// Exported kernels of every numeric format; the relaxed build (see pack.ts) is of `bfp8@1` alone. Memory is laid out by the caller; nothing here allocates.
export { groupsOf, packContiguous, packStrided, panelBytes } from './pack';
export { product, useScratch } from './tile';
export { compact, finish, magnitude, narrow } from './rounding';
export { columnSums, mask, poolBackward, poolForward, relu, update, widen } from './layers';
export { convolve, flip, foldSums, kernelGradient, place, windows } from './convolution';
