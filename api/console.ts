import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import serveStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Files whose names change with their content. */
const ASSETS = 'assets/';

const YEAR_MS = 365 * 24 * 60 * 60_000;

/**
 * What is no page: a path of the API that is unknown stays unknown. So is what our other processes
 * answer to a probe, which would else find every API ready.
 */
const NO_PAGE = /^(v1|auth|ready|metrics)(\/|$)/;

/**
 * Serves the console: its files, and its one page for every other path, so that each view has an address.
 *
 * @param folder where it was built; without it, the description of the API stands there.
 */
export async function serveConsole(app: FastifyInstance, folder: string): Promise<void> {
  const index = join(folder, 'index.html');
  if (!existsSync(index)) {
    app.get('/', { schema: { hide: true } }, (_, reply) => reply.redirect('/docs'));
    return;
  }
  const page = readFileSync(index, 'utf8');
  await app.register(serveStatic, {
    root: folder,
    serve: false,
    cacheControl: false,
    // The build leaves each file compressed beside itself.
    preCompressed: true,
  });
  app.get('/*', { schema: { hide: true } }, (request: FastifyRequest, reply: FastifyReply) => {
    const { '*': path } = request.params as { '*': string };
    if (NO_PAGE.test(path)) return reply.callNotFound();
    if (extname(path) === '' || path === 'index.html') {
      return reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(page);
    }
    const isForEver = path.startsWith(ASSETS);
    reply.header('cache-control', isForEver ? `max-age=${YEAR_MS / 1_000}, immutable` : 'no-cache');
    return reply.sendFile(path);
  });
}
