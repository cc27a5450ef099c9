// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// The cheat codes that the tests use, as Hardhat's Solidity runner offers them.
interface Vm {
    function prank(address sender) external;
    function roll(uint256 height) external;
    function deal(address account, uint256 balance) external;
    function addr(uint256 privateKey) external returns (address);
    function sign(uint256 privateKey, bytes32 digest) external returns (uint8 v, bytes32 r, bytes32 s);
    function coinbase(address proposer) external;
    function getNonce(address account) external returns (uint64);
    function computeCreateAddress(address creator, uint256 nonce) external pure returns (address);
    function prevrandao(bytes32 beacon) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes4 selector) external;
}

Vm constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
