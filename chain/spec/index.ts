export {
  type CreateChainSpecInput,
  createChainSpec,
  defaultConsensusTiming,
  type GenesisValidator,
} from './create.ts';
export { loadChainSpec, saveChainSpec } from './file.ts';
export { createGenesis, type Genesis, validatorsOf } from './genesis.ts';
export { readValidators } from './readValidators.ts';
export {
  type ChainSpec,
  type ConsensusTiming,
  type ContractAddresses,
  parseChainSpec,
  type WorkLimits,
} from './schema.ts';
