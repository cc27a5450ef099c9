/** Whether a TCP port of this machine is free. */
import { createServer } from 'node:net';
import { FedaiError } from '../../core/index.ts';

/** Throws `PORT_IN_USE`; port 0 is always free. */
export function checkPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause) => {
      reject(
        new FedaiError(
          'PORT_IN_USE',
          'the port for JSON-RPC cannot be used',
          { port },
          {
            cause,
            remedy: 'stop the program that uses it, or choose another with --rpc-port (0 takes a free one)',
          },
        ),
      );
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}
