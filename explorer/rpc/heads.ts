/** New heads by WebSocket from the page's own origin; comes back by itself when the node was away. */
import { type Head, headSchema } from './shapes.ts';

export interface HeadListener {
  onHead(head: Head): void;
  /** True when heads arrive, false when the node is away. */
  onLink(isUp: boolean): void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 5_000;

/** Never ends: it lives as long as the page. */
export function followHeads(url: string, listener: HeadListener): void {
  let delayMs = FIRST_DELAY_MS;
  const open = (): void => {
    const socket = new WebSocket(url);
    socket.onopen = () => {
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as { id?: number; params?: { result?: unknown } };
      if (message.id === 1) {
        delayMs = FIRST_DELAY_MS;
        listener.onLink(true);
      }
      const head = headSchema.safeParse(message.params?.result);
      if (head.success) listener.onHead(head.data);
    };
    // An error is always followed by a close.
    socket.onclose = () => {
      listener.onLink(false);
      setTimeout(open, delayMs);
      delayMs = Math.min(LONGEST_DELAY_MS, delayMs * 2);
    };
  };
  open();
}
