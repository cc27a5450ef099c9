/**
 * TCP whose small writes leave together. Every message passes as several frames (length, stream header, data), each a
 * system call of its own: a node with a dozen neighbours spends a tenth of its time in them.
 */
import type { Listener, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';

type MakeTcp = ReturnType<typeof tcp>;

/** As `tcp()`. */
export const batchedTcp = (): MakeTcp => (components) => batched(tcp()(components));

function batched(transport: Transport): Transport {
  const dial = transport.dial.bind(transport);
  const createListener = transport.createListener.bind(transport);
  transport.dial = (address, options) => dial(address, { ...options, upgrader: batching(options.upgrader) });
  transport.createListener = (options): Listener =>
    createListener({ ...options, upgrader: batching(options.upgrader) });
  return transport;
}

function batching(upgrader: Upgrader): Upgrader {
  return Object.assign(Object.create(upgrader) as Upgrader, {
    upgradeInbound: ((wire, options) =>
      upgrader.upgradeInbound(batch(wire), options)) as Upgrader['upgradeInbound'],
    upgradeOutbound: ((wire, options) =>
      upgrader.upgradeOutbound(batch(wire), options)) as Upgrader['upgradeOutbound'],
  });
}

interface TcpConnection {
  socket: { cork(): void; uncork(): void };
  sendData(data: unknown): unknown;
}

/** What is written in one turn of the event loop leaves at its end. */
function batch(wire: MultiaddrConnection): MultiaddrConnection {
  const connection = wire as unknown as TcpConnection;
  const { socket } = connection;
  if (typeof socket?.cork !== 'function' || typeof connection.sendData !== 'function') return wire;
  const send = connection.sendData.bind(connection);
  let isWaiting = false;
  const leave = () => {
    isWaiting = false;
    socket.uncork();
  };
  connection.sendData = (data) => {
    if (!isWaiting) {
      isWaiting = true;
      socket.cork();
      setImmediate(leave);
    }
    return send(data);
  };
  return wire;
}
