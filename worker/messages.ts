/** The two messages of a training round, as they travel inside signed envelopes. Owns form only: who may say what is judged in intake. */
import { z } from 'zod';
import { canonicalJson, type Hex, parseJson } from '../core/index.ts';
import type { Claim, Contribution } from './roundTypes.ts';

export type RoundMessage =
  | { kind: 'contribution'; round: number; contribution: Contribution }
  | { kind: 'claim'; slot: number; claim: Claim; signature: Hex };

/** Largest payload: a claim of 255 slots is under 2 KiB. */
export const MAX_MESSAGE_BYTES = 4096;
const MAX_SLOTS = 255;

const hex32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const slot = z
  .int()
  .min(0)
  .max(MAX_SLOTS - 1);
const round = z.int().min(0).max(0xffff_ffff);
const lossQ16 = z.int();

const contributionSchema = z.strictObject({
  kind: z.literal('contribution'),
  round,
  contribution: z.strictObject({ slot, stateRoot: hex32, lossQ16, peerId: z.string().max(128) }),
});

const claimSchema = z.strictObject({
  kind: z.literal('claim'),
  slot,
  claim: z.strictObject({
    round,
    stateRoot: hex32,
    stateCid: z.string().max(128),
    contributors: z.array(slot).min(1).max(MAX_SLOTS),
    lossQ16,
  }),
  signature: z.string().regex(/^0x[0-9a-f]{130}$/),
});

const messageSchema = z.discriminatedUnion('kind', [contributionSchema, claimSchema]);

export const encodeMessage = (message: RoundMessage): Uint8Array => canonicalJson(message);

/** `undefined` for anything that is no well-formed message. */
export function decodeMessage(payload: Uint8Array): RoundMessage | undefined {
  try {
    const parsed = messageSchema.safeParse(parseJson(payload, MAX_MESSAGE_BYTES));
    if (!parsed.success) return undefined;
    const message = parsed.data as RoundMessage;
    if (message.kind === 'claim' && !ascending(message.claim.contributors)) return undefined;
    return message;
  } catch {
    return undefined;
  }
}

const ascending = (slots: readonly number[]): boolean =>
  slots.every((value, i) => i === 0 || slots[i - 1]! < value);
