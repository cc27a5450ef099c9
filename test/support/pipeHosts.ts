/** Hosts in one process: their streams are pairs of queues, all above them (framing, limits, rates, scores) is real. */
import type { Libp2p, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';

type StreamHandler = (stream: Stream, connection: { remotePeer: { toString(): string } }) => unknown;

export interface PipeHosts {
  /** What `createRequests` needs of a host. */
  host(peerId: string): Libp2p;
}

/** One end; what it sends the other end reads. */
class Pipe extends EventTarget {
  status = 'open';
  writeStatus = 'writable';
  writeBufferLength = 0;
  maxWriteBufferLength = 0;
  other: Pipe | undefined;
  readonly #held: Uint8Array[] = [];
  #ended = false;
  #fault: Error | undefined;
  #wake: () => void = () => {};

  send(bytes: Uint8Array): boolean {
    if (this.writeStatus === 'writable') this.other?.take(bytes.slice());
    return true;
  }

  take(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#wake();
  }

  end(fault?: Error): void {
    this.#ended = true;
    this.#fault ??= fault;
    this.#wake();
  }

  async close(): Promise<void> {
    if (this.writeStatus === 'closed') return;
    this.writeStatus = 'closed';
    this.other?.end();
  }

  abort(fault: Error): void {
    this.status = 'aborted';
    this.writeStatus = 'closed';
    this.end(fault);
    this.other?.end(new TypeError('the stream was reset'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#held.shift();
      if (next !== undefined) yield next;
      else if (this.#fault !== undefined) throw this.#fault;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

export function createPipeHosts(): PipeHosts {
  const handlers = new Map<string, StreamHandler>();
  return {
    host(peerId) {
      const remotePeer = peerIdFromString(peerId);
      const host = {
        peerId: remotePeer,
        handle: async (protocol: string, handler: StreamHandler) =>
          void handlers.set(`${peerId} ${protocol}`, handler),
        unhandle: async (protocol: string) => void handlers.delete(`${peerId} ${protocol}`),
        async dialProtocol(target: { toString(): string }, protocol: string) {
          const handler = handlers.get(`${target} ${protocol}`);
          if (handler === undefined) throw new TypeError('nobody serves that');
          const [near, far] = [new Pipe(), new Pipe()];
          near.other = far;
          far.other = near;
          void handler(far as unknown as Stream, { remotePeer });
          return near;
        },
      };
      return host as unknown as Libp2p;
    },
  };
}
