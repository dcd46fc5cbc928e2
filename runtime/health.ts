import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metricsText } from './metrics';

/** What a process says of itself. */
export interface SelfReport {
  /** Whether it can do its work now. */
  ready: () => boolean;
  /** What else `/ready` shows. */
  details?: () => Record<string, string>;
  /** Metrics that are not our own, as text. */
  moreMetrics?: () => Promise<string>;
}

/**
 * Answers `GET /live` (the process runs), `GET /ready` (200 when it can do its work, else 503) and
 * `GET /metrics` (Prometheus).
 *
 * @param options.port 0 for any free one.
 */
export async function serveHealth(
  options: SelfReport & { host: string; port: number },
): Promise<{ port: number; close: () => Promise<void> }> {
  const { host, port, ready, details, moreMetrics } = options;
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/live':
        return answer(response, 200, { status: 'up' });
      case '/ready': {
        const isReady = ready();
        return answer(response, isReady ? 200 : 503, {
          status: isReady ? 'up' : 'down',
          ...details?.(),
        });
      }
      case '/metrics':
        return void answerMetrics(response, ready(), moreMetrics);
      default:
        return answer(response, 404, { status: 'unknown path' });
    }
  });
  server.listen(port, host);
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

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function answerMetrics(
  response: ServerResponse,
  isReady: boolean,
  moreMetrics: SelfReport['moreMetrics'],
): Promise<void> {
  const own = await metricsText(isReady);
  // Our own are worth having without Temporal's.
  const more = await moreMetrics?.().catch(() => '');
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(`${own}\n${more ?? ''}`);
}
