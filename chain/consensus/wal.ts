/** The write-ahead log of the height in progress: opened for one height, replayed when it is the same one again. */
import { equalBytes, type Log } from '../../core/index.ts';
import { decodeInput, encodeInput, encodeWalHeader, type Input } from './inputs.ts';
import type { BlockCodec, RecordLog } from './types.ts';

export interface HeightLog {
  /** Inputs of an earlier life of this height, oldest first. */
  readonly replay: readonly Input[];
  append(input: Input): void;
  sync(): void;
}

/** Keeps the records when they are of this chain and height; starts over otherwise. */
export function openHeightLog(
  records: RecordLog,
  codec: BlockCodec,
  at: { chainId: bigint; height: number },
  log: Log,
): HeightLog {
  const header = encodeWalHeader(at.chainId, at.height);
  const [first, ...rest] = records.records();
  const replay: Input[] = [];
  if (first !== undefined && equalBytes(first, header)) {
    try {
      for (const record of rest) replay.push(decodeInput(record, codec));
    } catch (cause) {
      log.error('write-ahead log is damaged; what follows is dropped', { kept: replay.length, cause });
      records.reset([header, ...rest.slice(0, replay.length)]);
    }
  } else {
    records.reset([header]);
  }
  return {
    replay,
    append: (input) => records.append(encodeInput(input, codec)),
    sync: () => records.sync(),
  };
}
