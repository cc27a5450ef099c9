/**
 * Asks whether a host is within reach by opening a bare TCP connection: its kernel answers however busy its processes
 * are. Time is counted in turns of this process's own loop, so that a process that was held up blames nobody.
 */
import { connect } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { isMultiaddr } from './addresses.ts';

/** Longer than TCP's first pause before it asks again (1 s), so that one lost packet is no silence. */
const PATIENCE_TURNS = 4;
const TURN_MS = 400;
/** What the system says of a way that is not there. Anything else (refused, reset) came from the host, or is trouble of ours. */
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ETIMEDOUT']);

export interface Endpoint {
  host: string;
  port: number;
}

/** Whether somebody, or the kernel, answers there. */
export type Probe = (endpoint: Endpoint) => Promise<boolean>;

/** Where a plain TCP address leads; undefined for any other. */
export function endpointOf(address: string): Endpoint | undefined {
  if (!isMultiaddr(address)) return undefined;
  const [ip, tcp, ...rest] = multiaddr(address).getComponents();
  const isPlain = (ip?.name === 'ip4' || ip?.name === 'ip6') && tcp?.name === 'tcp';
  if (!isPlain || rest.some(({ name }) => name !== 'p2p')) return undefined;
  return { host: ip.value!, port: Number(tcp.value) };
}

export const probeTcp: Probe = ({ host, port }) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns >= PATIENCE_TURNS) done(false);
    }, TURN_MS);
    const done = (answered: boolean) => {
      clearInterval(timer);
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => done(true));
    socket.on('error', (error: NodeJS.ErrnoException) => done(!UNREACHABLE.has(error.code ?? '')));
  });
