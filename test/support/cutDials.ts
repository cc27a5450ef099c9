/**
 * Loaded before a process's own code: all its dials to loopback ports go through cutters, which its parent works by
 * messages. Since only the dialling end is cut, every connection between two such processes has one cutter.
 */
import { Socket } from 'node:net';
import { type Cutter, createCutter } from './cutter.ts';

/** From the parent: cut off these ports, or (empty) mend all. */
export interface CutOrder {
  ports: number[];
  mode: 'blackhole' | 'reset';
}

const cutters = new Map<number, Promise<Cutter>>();
let order: CutOrder = { ports: [], mode: 'blackhole' };
const plain = Socket.prototype.connect;

function cutterOf(port: number): Promise<Cutter> {
  const known = cutters.get(port);
  if (known !== undefined) return known;
  const made = createCutter(port).then((cutter) => {
    if (order.ports.includes(port)) cutter.cut(order.mode);
    return cutter;
  });
  cutters.set(port, made);
  return made;
}

Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
  const [target] = args.flat() as [{ port?: number; host?: string }];
  const { port } = target;
  // The cutter's own way to its target, and whatever is no port, goes as it is.
  if (port === undefined || isFromCutter()) return plain.apply(this, args as Parameters<typeof plain>);
  void cutterOf(port).then((cutter) =>
    plain.apply(this, [{ ...target, port: cutter.port }] as unknown as Parameters<typeof plain>),
  );
  return this;
} as typeof plain;

const isFromCutter = (): boolean => /cutter\.ts/.test(new Error().stack ?? '');

process.on('message', (message: CutOrder) => {
  order = message;
  for (const [port, cutter] of cutters)
    void cutter.then((one) => (message.ports.includes(port) ? one.cut(message.mode) : one.mend()));
});
process.channel?.unref();
