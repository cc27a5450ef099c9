/** Runtime code of a plain ERC-20, compiled when the benchmark starts. Balances are the mapping at slot 0. */
import { createRequire } from 'node:module';
import { fromHex } from '../../core/index.ts';

const source = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    mapping(address => uint256) public balanceOf;
    function transfer(address to, uint256 value) external returns (bool) {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}`;

interface Output {
  contracts: Record<string, Record<string, { evm: { deployedBytecode: { object: string } } }>>;
}

export function tokenRuntime(): Uint8Array {
  const solc = createRequire(import.meta.url)('solc') as { compile(input: string): string };
  const input = {
    language: 'Solidity',
    sources: { 'token.sol': { content: source } },
    settings: {
      evmVersion: 'prague',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['evm.deployedBytecode.object'] } },
    },
  };
  const output: Output = JSON.parse(solc.compile(JSON.stringify(input)));
  return fromHex(`0x${output.contracts['token.sol']!.Token!.evm.deployedBytecode.object}`);
}
