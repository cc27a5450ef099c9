/** Calls without a transaction, and how much gas one would need. */
import { toHex } from '../../../core/index.ts';
import type { CallRequest } from '../../execution/index.ts';
import { callFault, invalidParams } from '../faults.ts';
import { quantity } from '../format.ts';
import { readCallHeader, readData, readHexAddress, readQuantity } from '../params.ts';
import { createTurns } from '../turns.ts';
import type { MethodGroup } from '../types.ts';

const NOBODY = `0x${'00'.repeat(20)}` as const;

export const callMethods: MethodGroup = ({ application, clock }) => {
  // A call may do as much as one whole block, which also bounds how long it can hold this process.
  const cap = BigInt(application.spec.gasLimit);
  const turns = createTurns();
  const at = (tag: unknown) => readCallHeader(application, tag, clock.now());
  return {
    eth_call: async ([request, tag]) => {
      const call = readCall(request, cap);
      const header = at(tag);
      const known = application.execution.knownCall(header, call);
      // In its turn the latest block may be another one.
      const outcome = await (known ?? turns(() => application.execution.call(at(tag), call)));
      if (outcome.failure !== undefined) throw callFault(outcome);
      return toHex(outcome.output);
    },
    // What is estimated will be sent, and runs in the next block at the earliest.
    eth_estimateGas: async ([request, tag]) => {
      const call = readCall(request, cap);
      return quantity(await turns(() => application.execution.estimateGas(at(tag ?? 'pending'), call)));
    },
  };
};

function readCall(value: unknown, cap: bigint): CallRequest {
  if (typeof value !== 'object' || value === null) throw invalidParams('call: expected an object');
  const { from, to, gas, gasPrice, maxFeePerGas, value: wei, data, input } = value as Record<string, unknown>;
  const asked = gas === undefined || gas === null ? cap : readQuantity(gas, 'gas');
  const price = gasPrice ?? maxFeePerGas;
  const payload = input ?? data;
  return {
    from: from === undefined || from === null ? NOBODY : readHexAddress(from, 'from'),
    to: to === undefined || to === null || to === '' ? null : readHexAddress(to, 'to'),
    data: payload === undefined || payload === null ? new Uint8Array(0) : readData(payload, 'input'),
    value: wei === undefined || wei === null ? 0n : readQuantity(wei, 'value'),
    gasLimit: asked > cap || asked === 0n ? cap : asked,
    gasPrice: price === undefined || price === null ? 0n : readQuantity(price, 'gasPrice'),
  };
}
