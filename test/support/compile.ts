/** Compiles one Solidity source that a test carries with it. */
import { createRequire } from 'node:module';
import type { InterfaceAbi } from 'ethers';
import { FedaiError, type Hex } from '../../core/index.ts';

const require = createRequire(import.meta.url);

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: InterfaceAbi; evm: { bytecode: { object: string } } }>>;
}

export interface Compiled {
  readonly abi: InterfaceAbi;
  readonly bytecode: Hex;
}

/** `others`: sources that it imports, by path. */
export function compileContract(
  name: string,
  source: string,
  others: Readonly<Record<string, string>> = {},
): Compiled {
  const solc = require('solc') as { compile(input: string): string };
  const output: Output = JSON.parse(
    solc.compile(
      JSON.stringify({
        language: 'Solidity',
        sources: Object.fromEntries(
          Object.entries({ ...others, 'test.sol': source }).map(([path, content]) => [path, { content }]),
        ),
        settings: {
          evmVersion: 'prague',
          optimizer: { enabled: true, runs: 200 },
          outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
        },
      }),
    ),
  );
  const error = output.errors?.find((one) => one.severity === 'error');
  const contract = output.contracts?.['test.sol']?.[name];
  if (error !== undefined || contract === undefined) {
    throw new FedaiError('BAD_CONTRACT', error?.formattedMessage ?? `no contract ${name}`);
  }
  return { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}

/** An ERC-20 in short, with a revert of each kind. */
export const tokenSource = `// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

contract Token {
    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint256 public totalSupply;

    constructor(uint256 supply) { _mint(msg.sender, supply); }

    function _mint(address to, uint256 value) private {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) { return _move(msg.sender, to, value); }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        allowance[from][msg.sender] -= value;
        return _move(from, to, value);
    }

    function burn(uint256 value) external {
        _move(msg.sender, address(0), value);
        totalSupply -= value;
        balanceOf[address(0)] = 0;
    }

    function _move(address from, address to, uint256 value) private returns (bool) {
        if (balanceOf[from] < value) revert InsufficientBalance(from, balanceOf[from], value);
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }

    function alwaysReverts() external pure { revert("no reason to go on"); }
    function randao() external view returns (uint256) { return block.prevrandao; }
    function hashOf(uint256 height) external view returns (bytes32) { return blockhash(height); }
}
`;

export const compileToken = (): Compiled => compileContract('Token', tokenSource);
