/**
 * Pulls the network cable of the process that loads it: while cut, every TCP connection is torn down and none comes about,
 * neither outgoing nor incoming. The code under test knows nothing of it.
 */
import { type ListenOptions, Server, Socket } from 'node:net';

const open = new Set<Socket>();
let cut = false;

function watch(socket: Socket): void {
  open.add(socket);
  socket.once('close', () => open.delete(socket));
}

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (this: Socket, ...args: Parameters<typeof connect>) {
  if (cut) {
    const unreachable = Object.assign(new Error('the cable is out'), { code: 'ENETUNREACH' });
    process.nextTick(() => this.destroy(unreachable));
    return this;
  }
  watch(this);
  return connect.apply(this, args);
} as typeof connect;

const listen = Server.prototype.listen;
Server.prototype.listen = function (this: Server, ...args: [ListenOptions]) {
  this.prependListener('connection', (socket) => {
    if (cut) socket.destroy();
    else watch(socket);
  });
  return listen.apply(this, args);
} as typeof listen;

export function setCut(isCut: boolean): void {
  cut = isCut;
  if (isCut) for (const socket of open) socket.destroy();
}
