// Exported kernels of `bfp12@1`. Memory is laid out by the caller; nothing here allocates.
export { packContiguous, packStrided } from './pack';
export { product } from './tile';
export { compact, finish, magnitude, narrow } from './rounding';
export { columnSums, mask, poolBackward, poolForward, relu, update, widen } from './layers';
export { convolve, flip, kernelGradient, place, windows } from './convolution';
