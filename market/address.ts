/** Ethereum addresses in their checksummed form, so that equal addresses are equal strings. */
import { getAddress } from 'ethers';
import type { Hex } from '../core/index.ts';

/** Checksummed form of any spelling; throws on what is no address. */
export const checksummed = (address: string): Hex => getAddress(address) as Hex;
