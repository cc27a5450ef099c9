// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BLS12-381 signatures by the precompiles of EIP-2537
/// @notice Keys in G1, signatures in G2, ciphersuite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_. Points come uncompressed,
/// as the precompiles take them: 64 bytes a coordinate, big-endian, 16 zero bytes in front; of an element of Fp2 the real
/// part first. Keys are compressed here to be compared with registered ones, so no square root is ever taken.
library Bls {
    uint256 internal constant PUBLIC_KEY_BYTES = 128;
    uint256 internal constant SIGNATURE_BYTES = 256;
    uint256 private constant FIELD_BYTES = 64;

    bytes private constant DST = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    /// The field's modulus p, and (p - 1) / 2, as a high word of 128 bits and a low one of 256.
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    uint256 private constant HALF_HIGH = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LOW = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;
    /// The generator of G1, negated.
    bytes private constant NEGATED_G1 = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
        hex"6c55e83ff97a1aeffb3af00adb22c6bb00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f2"
        hex"67816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca";

    address private constant MODEXP = address(0x05);
    address private constant G2ADD = address(0x0d);
    address private constant PAIRING_CHECK = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);

    error BlsBadLength(uint256 got, uint256 expected);
    error BlsNotCanonical();
    error BlsInfinity();
    /// Not on the curve, or not in the group of prime order.
    error BlsNotInGroup();
    error BlsPrecompileFailed(address precompile);

    /// @notice Whether `signature` is the key holder's over `message`. Malformed points revert, with the errors above.
    function verify(bytes memory publicKey, bytes memory message, bytes memory signature) internal view returns (bool) {
        _checkPoint(publicKey, PUBLIC_KEY_BYTES);
        _checkPoint(signature, SIGNATURE_BYTES);
        bytes memory pairs = abi.encodePacked(publicKey, hashToG2(message), NEGATED_G1, signature);
        (bool done, bytes memory output) = PAIRING_CHECK.staticcall(pairs);
        if (!done || output.length != 32) revert BlsNotInGroup();
        return abi.decode(output, (uint256)) == 1;
    }

    /// @notice The 48 bytes under which a key is registered: x, and in the top bits "compressed" and the sign of y.
    /// Whether the point is on the curve is for `verify` to find.
    function compress(bytes memory publicKey) internal pure returns (bytes memory) {
        _checkPoint(publicKey, PUBLIC_KEY_BYTES);
        (uint256 xHigh, uint256 xLow) = _coordinate(publicKey, 0);
        (uint256 yHigh, uint256 yLow) = _coordinate(publicKey, 1);
        bool larger = yHigh > HALF_HIGH || (yHigh == HALF_HIGH && yLow > HALF_LOW);
        uint256 flags = uint256(larger ? 0xa0 : 0x80) << 120;
        return abi.encodePacked(uint128(xHigh | flags), xLow);
    }

    /// @notice hash_to_curve of RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_, with this ciphersuite's tag. 256 bytes.
    function hashToG2(bytes memory message) internal view returns (bytes memory) {
        (bytes memory first, bytes memory second) = _hashToField(message);
        return _run(G2ADD, abi.encodePacked(_run(MAP_FP2_TO_G2, first), _run(MAP_FP2_TO_G2, second)));
    }

    /// Two elements of Fp2 from expand_message_xmd with SHA-256: eight blocks, 64 bytes for each of four coordinates.
    function _hashToField(bytes memory message) private view returns (bytes memory first, bytes memory second) {
        bytes memory tag = abi.encodePacked(DST, uint8(DST.length));
        bytes32 start = sha256(abi.encodePacked(bytes32(0), bytes32(0), message, uint16(256), uint8(0), tag));
        bytes32[8] memory blocks;
        blocks[0] = sha256(abi.encodePacked(start, uint8(1), tag));
        for (uint256 i = 1; i < 8; i++) {
            blocks[i] = sha256(abi.encodePacked(start ^ blocks[i - 1], uint8(i + 1), tag));
        }
        first = abi.encodePacked(_reduce(blocks[0], blocks[1]), _reduce(blocks[2], blocks[3]));
        second = abi.encodePacked(_reduce(blocks[4], blocks[5]), _reduce(blocks[6], blocks[7]));
    }

    /// The number of 512 bits modulo p: a power of one.
    function _reduce(bytes32 high, bytes32 low) private view returns (bytes memory) {
        return _run(
            MODEXP, abi.encodePacked(FIELD_BYTES, uint256(1), FIELD_BYTES, high, low, uint8(1), P_HIGH, P_LOW)
        );
    }

    function _run(address precompile, bytes memory input) private view returns (bytes memory output) {
        bool done;
        (done, output) = precompile.staticcall(input);
        // A chain without the precompile answers with nothing.
        if (!done || output.length == 0) revert BlsPrecompileFailed(precompile);
    }

    /// Right length, every coordinate below p, not the point at infinity (all zeros).
    function _checkPoint(bytes memory point, uint256 expected) private pure {
        if (point.length != expected) revert BlsBadLength(point.length, expected);
        uint256 any = 0;
        for (uint256 i = 0; i < expected / FIELD_BYTES; i++) {
            (uint256 high, uint256 low) = _coordinate(point, i);
            if (high > P_HIGH || (high == P_HIGH && low >= P_LOW)) revert BlsNotCanonical();
            any |= high | low;
        }
        if (any == 0) revert BlsInfinity();
    }

    function _coordinate(bytes memory point, uint256 index) private pure returns (uint256 high, uint256 low) {
        assembly ("memory-safe") {
            let at := add(add(point, 32), mul(index, 64))
            high := mload(at)
            low := mload(add(at, 32))
        }
    }
}
