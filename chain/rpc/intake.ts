/**
 * `PUT /ipfs/<cid>`: who may leave content on this chain node, how much and how fast. From this machine alone unless there
 * is a token. Owns no block: the intake of storage keeps them.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Clock, FedaiError, MAX_BLOCK_BYTES, sha256, steadyClock, utf8 } from '../../core/index.ts';
import type { Intake } from '../../storage/index.ts';
import { type Answer, json, readBytes } from './http.ts';

interface IntakeRules {
  /** Asked of everyone when set; otherwise only callers on this machine are heard. */
  readonly token?: string;
}

export interface ContentIntake {
  /** For `fedai_status`: what a caller has to know. */
  readonly offer: {
    readonly maxBlockBytes: number;
    readonly maxTotalBytes: number;
    readonly keptMs: number;
    readonly token: boolean;
  };
  answer(cid: string, request: IncomingMessage): Promise<Answer>;
}

const RAW_BLOCK_TYPE = 'application/vnd.ipld.raw';
/** Blocks in memory at a time: 16 MiB. */
const MAX_AT_ONCE = 8;
/** A data set of 64 MiB goes through at once, a larger one as fast as a home connection. */
const BURST_BYTES = 64 * 2 ** 20;
const BYTES_PER_MS = (8 * 2 ** 20) / 1_000;
const LOOPBACK = /^(?:(?:::ffff:)?127\.\d+\.\d+\.\d+|::1)$/;

export function createContentIntake(
  intake: Intake,
  { token }: IntakeRules = {},
  clock: Clock = steadyClock,
): ContentIntake {
  const allowance = createAllowance(clock);
  let busy = 0;
  const refuse = (request: IncomingMessage): Answer | undefined => {
    // This media type makes browsers ask first, so pages from elsewhere cannot leave anything here without CORS.
    if (request.headers['content-type'] !== RAW_BLOCK_TYPE)
      return json(415, { error: `content-type must be ${RAW_BLOCK_TYPE}` });
    if (!mayPut(request, token)) return forbidden(token !== undefined);
    const length = Number(request.headers['content-length']);
    if (!Number.isSafeInteger(length)) return json(411, { error: 'content-length is missing' });
    if (length > MAX_BLOCK_BYTES)
      return closing(413, { error: `a block has at most ${MAX_BLOCK_BYTES} bytes` });
    if (busy >= MAX_AT_ONCE || !allowance(length))
      return later({ error: 'too much at a time', remedy: 'send it again a little later' });
    return undefined;
  };
  return {
    offer: {
      maxBlockBytes: MAX_BLOCK_BYTES,
      maxTotalBytes: intake.maxTotalBytes,
      keptMs: intake.keptMs,
      token: token !== undefined,
    },
    async answer(cid, request) {
      const refusal = refuse(request);
      if (refusal !== undefined) return refusal;
      busy++;
      try {
        await intake.take(cid, await readBytes(request, MAX_BLOCK_BYTES));
        return json(201, { cid });
      } catch (error) {
        return refusalOf(error);
      } finally {
        busy--;
      }
    },
  };
}

/** Bytes that may come now: a bucket that fills again with time. */
function createAllowance(clock: Clock): (bytes: number) => boolean {
  let level = BURST_BYTES;
  let at = clock.now();
  return (bytes) => {
    const now = clock.now();
    level = Math.min(BURST_BYTES, level + (now - at) * BYTES_PER_MS);
    at = now;
    if (bytes > level) return false;
    level -= bytes;
    return true;
  };
}

/** Behind a proxy everybody seems to be here, which is what the token is for. */
function mayPut({ headers, socket }: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return LOOPBACK.test(socket.remoteAddress ?? '');
  return timingSafeEqual(sha256(utf8(headers.authorization ?? '')), sha256(utf8(`Bearer ${token}`)));
}

const forbidden = (needsToken: boolean): Answer =>
  needsToken
    ? closing(401, { error: 'the token is missing or wrong', remedy: 'ask whoever runs this chain node' })
    : closing(403, { error: 'only from its own machine', remedy: 'run a chain node beside your browser' });

/** The body was not read: the connection cannot be used again. */
const closing = (status: number, value: object): Answer => ({
  ...json(status, value),
  headers: { connection: 'close' },
});

const later = (value: object): Answer => ({
  ...json(429, value),
  headers: { connection: 'close', 'retry-after': '1' },
});

function refusalOf(error: unknown): Answer {
  if (!(error instanceof FedaiError)) throw error;
  const { code, message, remedy } = error;
  const status = { BAD_CID: 400, CONTENT_MISMATCH: 422, TOO_LARGE: 413, STORE_FULL: 507 }[code];
  if (status === undefined) throw error;
  return closing(status, { error: message, code, remedy });
}
