import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { translateError } from '../client/translate-error';
import type { Logger } from '../runtime/logger';
import { Refusal, UNFORESEEN, problemOf, problemOfError, type Problem } from './problem';

/** What goes with a 503: all of these are safe to repeat. */
const RETRY_AFTER_S = 5;

/** Has every error answered as a problem. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request);
    if (problem.status >= 500 && problem.status !== 503) {
      const { url } = request.routeOptions;
      // Its words, which may be anybody's, are not for the log either.
      log.error({ route: url, code: problem.code, kind: kindOf(error) }, 'a request failed');
    }
    if (error instanceof Refusal && error.more.retryAfterS !== undefined) {
      reply.header('retry-after', error.more.retryAfterS);
    }
    return sendProblem(reply, problem);
  });
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_S);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem);
}

function toProblem(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof Refusal) {
    const { auth } = error.more;
    const isAuth = auth === 'none' || auth === 'tokens' || auth === 'oidc';
    return problemOf(error.code, error.message, isAuth ? { auth } : {});
  }
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error, request);
  switch (error.statusCode) {
    case 413:
      return problemOf('TooLarge', 'the body is larger than this route takes');
    case 415:
      return problemOf('UnsupportedMediaType', 'send application/json');
    case 429:
      return problemOf('RateLimited', 'too many requests: wait a little');
    case undefined:
      return problemOfError(translateError(error), request.method);
    default:
      return error.statusCode < 500
        ? problemOf('UsageError', 'the request cannot be read: is its body JSON?')
        : problemOf('Unexpected', UNFORESEEN);
  }
}

/** Each bad field by its place; never its value, which may be personal. */
function invalid(
  error: Pick<FastifyError, 'validationContext'> & {
    validation: { instancePath: string; message?: string }[];
  },
  request: FastifyRequest,
): Problem {
  const where = error.validationContext ?? 'request';
  const errors = error.validation.map(({ instancePath, message = 'is not valid' }) => ({
    // Where all of it does not fit, its path is a bare slash.
    path: `${where}${instancePath.replace(/\/$/, '').replaceAll('/', '.')}`,
    message,
  }));
  const { invalidBody } = request.routeOptions.config;
  const isPolicyAlone = errors.every(({ path }) => /^body\.policy\b/.test(path));
  const code =
    where !== 'body' || invalidBody === undefined
      ? 'UsageError'
      : isPolicyAlone
        ? 'InvalidPolicy'
        : invalidBody;
  return problemOf(code, errors.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    errors,
  });
}

function kindOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
}
