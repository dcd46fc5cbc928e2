import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** Gives the answers of routes that ask for it an ETag, and says 304 to who has them already. */
export function answerUnchanged(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const { etag } = request.routeOptions.config;
    if (etag !== true || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const tag = `"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
    reply.header('etag', tag).header('cache-control', 'private, no-cache');
    const known = request.headers['if-none-match']?.split(',').map((each) => each.trim());
    if (!known?.some((each) => each === tag || each === `W/${tag}`)) return payload;
    reply.code(304).removeHeader('content-type').removeHeader('content-length');
    return null;
  });
}
