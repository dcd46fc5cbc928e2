import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Answers `GET /live` (the process runs) and `GET /ready` (200 when it can do its work, else 503) on
 * 127.0.0.1.
 *
 * @param options.port 0 for any free one.
 */
export async function serveHealth(options: {
  port: number;
  ready: () => boolean;
}): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const known = request.url === '/live' || request.url === '/ready';
    const up = request.url === '/live' || options.ready();
    response.writeHead(known ? (up ? 200 : 503) : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: known ? (up ? 'up' : 'down') : 'unknown path' }));
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
