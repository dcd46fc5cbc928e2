import type { FastifyPluginCallback } from 'fastify';
import type { ApiServices } from '../services';
import { READERS } from '../who';

/** How often a line is sent that says nothing, so that nobody on the way takes it for dead, in ms. */
const HEARTBEAT_MS = 15_000;

/** How long a stream lasts, in ms: the page then asks anew, and shows that it is still signed in. */
const LASTS_MS = 10 * 60_000;

/** Tells pages that something has changed, so that they fetch it. */
export const streamRoutes: FastifyPluginCallback<{ services: ApiServices }> = (
  app,
  { services: { changes } },
  done,
) => {
  app.get(
    '/v1/stream',
    {
      exposeHeadRoute: false,
      config: { allows: READERS },
      schema: {
        tags: ['service'],
        summary: 'Hear that something changed',
        description:
          'Server-sent events: `event: changed` with `data: {"what": ["tasks", ...]}`. Only a hint: after a reconnect, fetch anew.',
      },
    },
    (request, reply) => {
      reply.hijack();
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // Told to nginx, which else keeps what it gets until it has more of it.
        'x-accel-buffering': 'no',
      });
      raw.write('retry: 2000\n\n');
      const stopListening = changes.listen((what) => {
        raw.write(`event: changed\ndata: ${JSON.stringify({ what })}\n\n`);
      });
      const heartbeat = setInterval(() => raw.write(': still here\n\n'), HEARTBEAT_MS);
      const end = setTimeout(() => raw.end(), LASTS_MS);
      raw.on('close', () => {
        clearInterval(heartbeat);
        clearTimeout(end);
        stopListening();
      });
    },
  );
  done();
};
