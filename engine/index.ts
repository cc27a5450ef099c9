export { FORMATS, type FormatSpec, type NumericFormat, numericFormats } from './arithmetic/format.ts';
export { checkKernels, type KernelReport } from './check.ts';
export {
  LIMITS,
  learningRateShift,
  type ModelDocument,
  modelSchema,
  recipeSchema,
  type TrainingRecipe,
} from './document.ts';
export type { Batch, Kernel, KernelName, Predictions, Trainer } from './engine.ts';
export { type Imported, importOnnx } from './exchange/fromOnnx.ts';
export { weightsFromSafetensors } from './exchange/fromSafetensors.ts';
export { importKeras, kerasGaps } from './exchange/keras.ts';
export { MAX_ONNX_BYTES } from './exchange/onnx.ts';
export { exportOnnx } from './exchange/toOnnx.ts';
export { type Layer, type Model, parseModel, parseRecipe, type TensorSpec } from './model.ts';
export { isFastModel } from './plan/basic.ts';
export { momentsOf } from './reference/optimiser.ts';
export { createEngine, type Engine, type EngineOptions } from './select.ts';
export { decodeState, encodeState, stateLength } from './state/encode.ts';
export { countCorrect, outputsRoot } from './state/outputs.ts';
export { CHUNK_BYTES, hashState, modelHash, type StateRoots, stateRoots } from './state/roots.ts';
export { decodeModel, encodeModel, MAX_MODEL_FILE_BYTES, toFloatSafetensors } from './state/safetensors.ts';
export { copyState, initialState, meanState, type TrainState } from './state/state.ts';
export { type DeviceKernel, openDeviceKernel } from './webgpu/kernel.ts';
