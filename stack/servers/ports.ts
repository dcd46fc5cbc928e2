import { connect } from 'node:net';
import getPort from 'get-port';

/** A free port of 127.0.0.1, given to nobody else in this process. */
export function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1' });
}

/** Whether something listens on a port. */
export function isOpen(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 5000 }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('timeout', () => {
      socket.destroy();
      resolve(false);
    });
  });
}
