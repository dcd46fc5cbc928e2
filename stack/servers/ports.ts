import { connect } from 'node:net';
import getPort from 'get-port';

/** A free port of 127.0.0.1, given to nobody else in this process. */
export function freePort(): Promise<number> {
  return getPort({ host: '127.0.0.1' });
}

/** Where the desk is if nothing else is there: people keep it in their browsers. */
const DESK_PORT = 8_700;

/** The port of the desk, or another one where that is taken. */
export function deskPort(wanted = DESK_PORT): Promise<number> {
  return getPort({ host: '127.0.0.1', port: wanted });
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
