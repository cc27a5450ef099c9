// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bls} from "../../../contracts/libraries/Bls.sol";
import {SignBytes} from "../../../contracts/libraries/SignBytes.sol";

/// Makes keys and signatures in the EVM, with the multiplications of EIP-2537.
library BlsSigner {
    address private constant G1MSM = address(0x0c);
    address private constant G2MSM = address(0x0e);
    bytes private constant G1 = hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
        hex"6c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4"
        hex"fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    function publicKey(uint256 secret) internal view returns (bytes memory key) {
        bool done;
        (done, key) = G1MSM.staticcall(abi.encodePacked(G1, secret));
        assert(done);
    }

    function sign(uint256 secret, bytes memory message) internal view returns (bytes memory signature) {
        bool done;
        (done, signature) = G2MSM.staticcall(abi.encodePacked(Bls.hashToG2(message), secret));
        assert(done);
    }

    function possession(uint256 secret, address account) internal view returns (bytes memory) {
        return sign(secret, SignBytes.ofPossession(account, Bls.compress(publicKey(secret))));
    }
}
