/** What a wrapped key is bound to, so that a delivery for one job or reader opens for no other. */
import { concatBytes, fromHex, type Hex, uintBytes, utf8 } from '../core/index.ts';
import type { SigningDomain } from './typedData.ts';

export type KeyPurpose = 'data' | 'test';

/** HPKE associated data: `fedai-<purpose>-key/1` ‖ chain id ‖ JobManager ‖ job id ‖ reader's account. */
export function keyContext(
  purpose: KeyPurpose,
  domain: SigningDomain,
  jobId: bigint,
  reader: Hex,
): Uint8Array {
  return concatBytes(
    utf8(`fedai-${purpose}-key/1`),
    uintBytes(domain.chainId, 32),
    fromHex(domain.jobManager, 20),
    uintBytes(jobId, 32),
    fromHex(reader, 20),
  );
}
