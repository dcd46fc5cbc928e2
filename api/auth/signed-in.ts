import { z } from 'zod';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiAuth } from '../../runtime/api-config';
import type { Attempts, Authentication, Identified } from '../access';
import { Refusal } from '../problem';
import { answers, nothing } from '../schemas/primitives';
import type { Sessions } from './session';
import type { Tokens } from './tokens';

/** What signed-in people and programs are known by. */
export interface SignIn {
  kind: ApiAuth;
  sessions: Sessions;
  /** Absent where no token is taken. */
  tokens?: Tokens;
  /** More ways to sign in. */
  routes?: (app: FastifyInstance) => void;
}

/** Knows programs by a bearer token, and pages by the cookie of their session. */
export function authenticateSignedIn({ kind, sessions, tokens, routes }: SignIn): Authentication {
  return {
    kind,
    identify: async (request, attempts) => {
      const bearer = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (bearer === undefined) return bySession(request, sessions, tokens);
      const entry = await verify(request, bearer, { tokens, attempts });
      if (!entry) return undefined;
      const { name, role } = entry;
      return { who: { actor: name, role, via: 'api' }, byCookie: false };
    },
    routes: (app, attempts) => {
      routes?.(app);
      addSessionRoutes(app, { sessions, tokens, attempts });
    },
  };
}

async function bySession(
  request: FastifyRequest,
  sessions: Sessions,
  tokens: Tokens | undefined,
): Promise<Identified | undefined> {
  const session = sessions.read(request);
  if (!session) return undefined;
  const { actor, tokenHash } = session;
  if (tokenHash === undefined) {
    return { who: { actor, role: session.role, via: 'web' }, byCookie: true };
  }
  // What the file says of the token now counts, not what it said then.
  const entry = await tokens?.find(actor, tokenHash);
  return entry && { who: { actor, role: entry.role, via: 'web' }, byCookie: true };
}

async function verify(
  request: FastifyRequest,
  token: string,
  { tokens, attempts }: { tokens: Tokens | undefined; attempts: Attempts },
) {
  if (!tokens) return undefined;
  const entry = await tokens.verify(token, () => attempts.refuseTooMany(request));
  if (!entry) await attempts.countFailure(request);
  return entry;
}

function addSessionRoutes(
  plain: FastifyInstance,
  given: { sessions: Sessions; tokens: Tokens | undefined; attempts: Attempts },
): void {
  const { sessions, tokens, attempts } = given;
  const app = plain.withTypeProvider<ZodTypeProvider>();
  if (tokens) {
    app.post(
      '/v1/session',
      {
        config: { allows: 'everybody' },
        schema: {
          tags: ['session'],
          summary: 'Sign in with a token, for a cookie',
          body: z.strictObject({ token: z.string().min(1).max(300) }),
          response: answers({ 200: z.object({ actor: z.string(), role: z.string() }) }),
        },
      },
      async (request, reply) => {
        const entry = await verify(request, request.body.token, { tokens, attempts });
        if (!entry) throw new Refusal('Unauthenticated', 'this token is nobody’s');
        const { name: actor, role, hash: tokenHash } = entry;
        sessions.begin(reply, { actor, role, tokenHash });
        return { actor, role };
      },
    );
  }
  app.delete(
    '/v1/session',
    {
      config: { allows: 'everybody' },
      schema: { tags: ['session'], summary: 'Sign out', response: answers({ 204: nothing }) },
    },
    async (request, reply) => {
      sessions.end(request, reply);
      return reply.code(204).send();
    },
  );
}
