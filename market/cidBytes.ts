/** Content ids on chain: the UTF-8 bytes of their text, so that any tool reads them in an explorer. */
import { fromHex, type Hex, toHex, utf8 } from '../core/index.ts';

export const cidToBytes = (cid: string): Hex => toHex(utf8(cid));

/** Bytes that are no UTF-8 become text that is no content id, which the fetch then refuses. */
export const bytesToCid = (bytes: string): string => new TextDecoder().decode(fromHex(bytes));
