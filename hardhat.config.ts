/** Hardhat compiles with the npm solc, offline, and runs the Solidity and TypeScript tests of test/contracts. */
import { createRequire, registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import hardhatEthers from '@nomicfoundation/hardhat-ethers';
import hardhatNodeTestRunner from '@nomicfoundation/hardhat-node-test-runner';
import { defineConfig } from 'hardhat/config';
import { compilerSettings, compilerVersion } from './contracts/compiler.ts';

const require = createRequire(import.meta.url);

// Hardhat's own packages need zod 3; npm hoists one of them beside this project's zod 4, so it is pointed at Hardhat's copy.
const hardhatUrl = pathToFileURL(require.resolve('hardhat/package.json')).href;
registerHooks({
  resolve(specifier, context, nextResolve) {
    const misplaced = specifier === 'zod' && context.parentURL?.includes('/hardhat-zod-utils/');
    return nextResolve(specifier, misplaced ? { ...context, parentURL: hardhatUrl } : context);
  },
});

export default defineConfig({
  plugins: [hardhatEthers, hardhatNodeTestRunner],
  paths: {
    sources: 'contracts',
    tests: { solidity: 'test/contracts', nodejs: 'test/contracts' },
    artifacts: 'contracts/artifacts',
    cache: 'contracts/cache',
  },
  solidity: {
    profiles: {
      default: {
        version: compilerVersion,
        path: require.resolve('solc/soljson.js'),
        settings: compilerSettings,
      },
    },
  },
  networks: {
    default: { type: 'edr-simulated', chainType: 'l1', hardfork: 'prague', blockGasLimit: 30_000_000n },
  },
  test: { solidity: { fuzz: { runs: 256 }, invariant: { runs: 32, depth: 50 } } },
});
