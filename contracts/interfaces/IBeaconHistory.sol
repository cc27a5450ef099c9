// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Random beacons of past blocks
/// @notice Keeps `block.prevrandao` by height, so that a draw can name the beacon of a height fixed in advance.
/// On a fedai chain every block records itself by a system call; elsewhere anyone may call `record`.
interface IBeaconHistory {
    event BeaconRecorded(uint256 indexed height, bytes32 beacon);

    error BeaconUnknown(uint256 height);

    /// @notice Records the beacon of this block. Recording it again changes nothing.
    function record() external;

    /// @notice Beacon of `height`; reverts BeaconUnknown when that block was not recorded.
    function beaconAt(uint256 height) external view returns (bytes32);

    /// @notice The first beacon recorded at or after `height`, and its height. Equals `beaconAt` where every block is
    /// recorded; elsewhere it keeps a job from hanging on one missed block. Never the beacon of the calling block.
    function beaconAtOrAfter(uint256 height) external view returns (bytes32 beacon, uint256 recordedHeight);
}
