/** Ethereum addresses in their checksummed form, so that equal addresses are equal strings. */
import { computeAddress, getAddress } from 'ethers';
import { type Hex, toHex } from '../core/index.ts';

export const addressOf = (privateKey: Uint8Array): Hex => computeAddress(toHex(privateKey)) as Hex;

/** Checksummed form of any spelling; throws on what is no address. */
export const checksummed = (address: string): Hex => getAddress(address) as Hex;
