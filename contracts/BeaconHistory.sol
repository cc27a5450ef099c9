// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBeaconHistory} from "./interfaces/IBeaconHistory.sol";

/// @title Random beacons of past blocks, recorded
contract BeaconHistory is IBeaconHistory {
    mapping(uint256 height => bytes32) private _beacons;
    /// Recorded heights, ascending.
    uint64[] private _heights;

    /// @inheritdoc IBeaconHistory
    function record() external {
        uint256 count = _heights.length;
        if (count > 0 && _heights[count - 1] == block.number) return;
        _heights.push(uint64(block.number));
        _beacons[block.number] = bytes32(block.prevrandao);
        emit BeaconRecorded(block.number, bytes32(block.prevrandao));
    }

    /// @inheritdoc IBeaconHistory
    function beaconAt(uint256 height) external view returns (bytes32) {
        (bytes32 beacon, uint256 recordedHeight) = _firstFrom(height);
        if (recordedHeight != height) revert BeaconUnknown(height);
        return beacon;
    }

    /// @inheritdoc IBeaconHistory
    function beaconAtOrAfter(uint256 height) external view returns (bytes32 beacon, uint256 recordedHeight) {
        (beacon, recordedHeight) = _firstFrom(height);
        if (recordedHeight >= block.number) revert BeaconUnknown(height);
    }

    function _firstFrom(uint256 height) private view returns (bytes32, uint256) {
        if (_beacons[height] != 0) return (_beacons[height], height);
        uint256 low = 0;
        uint256 high = _heights.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_heights[middle] < height) low = middle + 1;
            else high = middle;
        }
        if (low == _heights.length) revert BeaconUnknown(height);
        return (_beacons[_heights[low]], _heights[low]);
    }
}
