import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Attempts } from './access';
import { Refusal } from './problem';

/** Tokens that are nobody's, from one address, within a minute. */
const FAILURES_MAX = 10;

/** Limits the attempts to sign in; the rate limit plugin must be there by the first of them. */
export function limitAttempts(app: FastifyInstance): Attempts {
  let limit: ReturnType<FastifyInstance['createRateLimit']> | undefined;
  const look = (request: FastifyRequest, increment: boolean) => {
    limit ??= app.createRateLimit({
      max: FAILURES_MAX,
      timeWindow: 60_000,
      keyGenerator: ({ ip }) => `failed/${ip}`,
    });
    return limit(request, { increment });
  };
  return {
    refuseTooMany: async (request) => {
      const looked = await look(request, false);
      if (looked.isAllowed || !looked.isExceeded) return;
      throw new Refusal('RateLimited', 'too many failed attempts from there: wait a minute', {
        retryAfterS: looked.ttlInSeconds,
      });
    },
    countFailure: async (request) => {
      await look(request, true);
    },
  };
}
