export type { EvaluatorEvent } from './context.ts';
export { createEvaluator, type EvaluatorOptions } from './evaluator.ts';
