/** The door of the TensorFlow.js engine: float training of documents that the exact engine does not cover. Node only, loaded when it is needed. */
export {
  BACKENDS,
  type BackendName,
  type BackendReport,
  checkBackends,
  openTraining,
  type PassedOver,
  type Training,
} from './backends.ts';
export { encodeFloats, floatBytes, type Named } from './checkpoint.ts';
export { type FloatRecipe, isFloatRecipe, parseFloatRecipe } from './recipe.ts';
export type { TfjsSession } from './session.ts';
export { parseTopology, TFJS_LIMITS, type Topology } from './topology.ts';
