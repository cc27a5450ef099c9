import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Hex, utf8 } from '../../core/index.ts';
import { decodeMessage, encodeMessage, type RoundMessage } from '../../worker/messages.ts';

const root: Hex = `0x${'ab'.repeat(32)}`;
const contribution: RoundMessage = {
  kind: 'contribution',
  round: 4,
  contribution: { slot: 2, stateRoot: root, lossQ16: -3, peerId: '12D3KooW' },
};
const claim: RoundMessage = {
  kind: 'claim',
  slot: 1,
  claim: { round: 4, stateRoot: root, stateCid: 'bafy', contributors: [0, 2], lossQ16: 5 },
  signature: `0x${'cd'.repeat(65)}`,
};

describe('round messages', () => {
  test('come back as they were sent', () => {
    for (const message of [contribution, claim])
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });

  test('with extra fields, wrong types or unordered slots are refused', () => {
    const bad = [
      { ...contribution, extra: 1 },
      { ...claim, signature: '0x12' },
      { ...claim, claim: { ...claim.claim, contributors: [2, 0] } },
      { ...claim, claim: { ...claim.claim, contributors: [0, 0] } },
      { ...claim, claim: { ...claim.claim, contributors: [] } },
      { ...contribution, round: -1 },
    ];
    for (const message of bad) expect(decodeMessage(utf8(JSON.stringify(message)))).toBeUndefined();
  });

  test('no bytes make the decoder throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 5_000 }), fc.json().map(utf8)), (bytes) => {
        expect(decodeMessage(bytes)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});
