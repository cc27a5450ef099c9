/** A proxy in front of one loopback port, whose cable can be pulled: bytes stand still, or connections are torn down. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Cutter {
  readonly port: number;
  /** `blackhole`: nothing passes and nobody is told; `reset`: connections are closed and refused. */
  cut(mode: 'blackhole' | 'reset'): void;
  mend(): void;
  stop(): void;
}

interface Pair {
  near: Socket;
  far: Socket | undefined;
}

export async function createCutter(targetPort: number): Promise<Cutter> {
  const pairs = new Set<Pair>();
  let mode: 'open' | 'blackhole' | 'reset' = 'open';
  const join = (pair: Pair) => {
    const { near } = pair;
    const far = connect(targetPort, '127.0.0.1');
    pair.far = far;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  };
  const server = createServer((near) => {
    const pair: Pair = { near, far: undefined };
    near.on('error', () => {});
    if (mode === 'reset') near.destroy();
    else pairs.add(pair);
    near.once('close', () => pairs.delete(pair));
    if (mode === 'open') join(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut(next) {
      mode = next;
      for (const { near, far } of pairs) {
        if (next === 'reset') near.destroy();
        else
          for (const [from, to] of [
            [near, far],
            [far, near],
          ] as const)
            if (from && to) from.unpipe(to).pause();
      }
    },
    mend() {
      mode = 'open';
      for (const pair of pairs) {
        const { near, far } = pair;
        if (far === undefined) join(pair);
        else {
          near.pipe(far);
          far.pipe(near);
        }
      }
    },
    stop() {
      server.close();
      for (const { near } of pairs) near.destroy();
    },
  };
}
