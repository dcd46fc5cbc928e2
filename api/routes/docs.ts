import type { FastifyPluginCallback } from 'fastify';
import { DOCS_STYLE, docsPage } from '../docs-page';
import { openApiOf } from '../openapi';

/** Describes the API: for programs, and for people. */
export const docsRoutes: FastifyPluginCallback = (app, _, done) => {
  const config = { allows: 'everybody' } as const;
  let page: string | undefined;
  app.get('/openapi.json', { config, schema: { hide: true } }, async (_request, reply) => {
    reply.header('cache-control', 'no-cache');
    return openApiOf(app);
  });
  app.get('/docs', { config, schema: { hide: true } }, (_request, reply) => {
    page ??= docsPage(openApiOf(app));
    return reply.type('text/html; charset=utf-8').send(page);
  });
  app.get('/docs.css', { config, schema: { hide: true } }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(DOCS_STYLE),
  );
  done();
};
