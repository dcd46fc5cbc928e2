import type { FastifyInstance } from 'fastify';
import type { Logger } from '../runtime/logger';

/**
 * Has a line written of each request: what was asked, what came of it, how long it took, and who asked.
 * The route's pattern stands for the path, so that no ID and nothing of a query gets into the log.
 */
export function logAccess(app: FastifyInstance, log: Logger): void {
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, who } = request;
    const route = routeOptions.config.allows === undefined ? 'file' : routeOptions.url;
    const ms = Math.round(reply.elapsedTime);
    const { statusCode: status } = reply;
    log.info({ method, route, status, ms, ...(who && { actor: who.actor }) }, 'answered');
  });
}
