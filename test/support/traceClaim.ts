/** Calldata of `commitTrace` for a share of one segment: where it starts and where it ends. */
import { fromHex, type Hex, toHex } from '../../core/index.ts';
import type { TraceClaim } from '../../market/index.ts';
import { traceClaim } from '../../pouw/index.ts';

export function oneSegment(startRoot: Hex, endRoot: Hex): TraceClaim {
  const claim = traceClaim([fromHex(startRoot, 32), fromHex(endRoot, 32)]);
  return {
    traceRoot: toHex(claim.traceRoot),
    startRoot,
    startPath: claim.startPath.map(toHex),
    endRoot,
    endPath: claim.endPath.map(toHex),
  };
}
