import { join } from 'node:path';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ApiConfig } from '../runtime/api-config';
import { packageRoot } from '../runtime/package-root';
import type { Logger } from '../runtime/logger';
import { guardAccess, isChange, type Authentication } from './access';
import { limitAttempts } from './attempts';
import { logAccess } from './access-log';
import { answerErrors, sendProblem } from './answer-errors';
import { serveConsole } from './console';
import { answerUnchanged } from './etag';
import { describeApi } from './openapi';
import { withoutPersonal } from './personal';
import { Refusal, problemOf } from './problem';
import { bulkRoutes } from './routes/bulk';
import { deadLetterRoutes } from './routes/dead-letters';
import { erasureRoutes } from './routes/erasures';
import { docsRoutes } from './routes/docs';
import { orderRoutes } from './routes/orders';
import { recordRoutes } from './routes/records';
import { serviceRoutes } from './routes/service';
import { sessionRoutes, type SessionFacts } from './routes/session';
import { streamRoutes } from './routes/stream';
import { taskRoutes } from './routes/tasks';
import type { ApiServices } from './services';

/** What an API server is built of. */
export interface ApiServerOptions {
  config: Pick<ApiConfig, 'publicUrl' | 'ratePerMinute' | 'temporalUiUrl' | 'temporal'>;
  services: ApiServices;
  authentication: Authentication;
  log: Logger;
  /** Where the console was built. @default the package's */
  consoleFolder?: string;
}

/** Largest body, in bytes: an order has 60 KiB at the most, a list of tasks less. */
const BODY_MAX_BYTES = 256 * 1024;

/** How long a request may take to arrive, in ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Longest path parameter: a task ID. */
const PARAMETER_MAX = 300;

/** Builds the API's server; it listens once it is told to. */
export async function buildApiServer(options: ApiServerOptions): Promise<FastifyInstance> {
  const { config, services, authentication, log } = options;
  const { publicUrl } = config;
  const app = Fastify({
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAMETER_MAX },
    frameworkErrors: (_, _request, reply) => {
      void sendProblem(reply, problemOf('UsageError', 'the path cannot be read'));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  // A page elsewhere may send text without asking first, but no JSON.
  app.removeContentTypeParser('text/plain');
  answerErrors(app, log);
  logAccess(app, log);
  await app.register(helmet, helmetOptions(publicUrl));
  await app.register(cookie);
  const attempts = limitAttempts(app);
  guardAccess(app, { authentication, attempts, ...(publicUrl !== undefined && { publicUrl }) });
  await app.register(rateLimit, {
    max: config.ratePerMinute,
    timeWindow: 60_000,
    hook: 'preHandler',
    keyGenerator: ({ who, ip }) => who?.actor ?? ip,
    errorResponseBuilder: (_, { ttl }) =>
      new Refusal('RateLimited', 'too many requests: wait a little', {
        retryAfterS: Math.ceil(ttl / 1_000),
      }),
  });
  app.addHook('preSerialization', ({ who }, { statusCode }, payload, done) => {
    const isForViewer = who?.role === 'viewer' && statusCode < 400;
    done(null, isForViewer ? withoutPersonal(payload) : payload);
  });
  answerUnchanged(app);
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    if (isChange(request)) services.changes.hurry();
    done();
  });
  await describeApi(app);
  app.get('/live', { config: { allows: 'everybody' }, schema: { hide: true } }, () => ({
    status: 'up',
  }));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, problemOf('NotFound', `there is no ${request.method} of this path`)),
  );
  authentication.routes?.(app, attempts);
  await app.register(sessionRoutes, { facts: sessionFactsOf(options) });
  await app.register(orderRoutes, { services });
  await app.register(taskRoutes, { services });
  await app.register(bulkRoutes, { services });
  await app.register(deadLetterRoutes, { services });
  await app.register(recordRoutes, { services });
  await app.register(erasureRoutes, { services });
  await app.register(serviceRoutes, { services });
  await app.register(streamRoutes, { services });
  await app.register(docsRoutes);
  await serveConsole(app, options.consoleFolder ?? join(packageRoot(), 'dist', 'console'));
  return app;
}

function sessionFactsOf({ config, authentication }: ApiServerOptions): SessionFacts {
  const { temporalUiUrl: url, temporal } = config;
  const { namespace } = temporal;
  return {
    auth: authentication.kind,
    ...(url !== undefined && { temporalUi: { url, namespace } }),
  };
}

function helmetOptions(publicUrl: string | undefined) {
  const isHttps = publicUrl?.startsWith('https:') ?? false;
  return {
    strictTransportSecurity: isHttps,
    referrerPolicy: { policy: 'same-origin' as const },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
      },
    },
  };
}
