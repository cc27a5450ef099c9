/** How solc compiles the contracts, for the build script and Hardhat alike. */
export const compilerVersion = '0.8.37';

export const compilerSettings = {
  evmVersion: 'prague',
  optimizer: { enabled: true, runs: 200 },
  // No metadata hash: bytecode depends on code alone, so a chain spec is the same from every checkout.
  metadata: { bytecodeHash: 'none', appendCBOR: false },
} as const;
