import { randomBytes } from 'node:crypto';
import { Signer } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ROLES } from '../../domain/role';

const sessionSchema = z.strictObject({
  id: z.string(),
  actor: z.string(),
  role: z.enum(ROLES),
  /** ms since 1970. */
  endsAt: z.number(),
  /** Of the token that it was made with: it ends with that. */
  tokenHash: z.string().optional(),
});

/** Who is signed in, as a cookie says it; it is signed, so that nobody else can say it. */
type Session = z.infer<typeof sessionSchema>;

/** Signs people in and out by a cookie. */
export interface Sessions {
  begin: (reply: FastifyReply, who: Omit<Session, 'id' | 'endsAt'>) => void;
  /** The session of a request; `undefined` where there is none, it is over, or is not ours. */
  read: (request: FastifyRequest) => Session | undefined;
  end: (request: FastifyRequest, reply: FastifyReply) => void;
}

/**
 * Keeps sessions in cookies: no page can read them, and no other page has them sent.
 *
 * @param options.secret what they are signed with.
 */
export function keepSessions(options: {
  secret: string;
  lastMs: number;
  isSecure: boolean;
}): Sessions {
  const { secret, lastMs, isSecure } = options;
  const signer = new Signer(secret);
  // A browser takes a cookie of such a name only over TLS, and for this host alone.
  const name = isSecure ? '__Host-order-dispatch' : 'order-dispatch';
  const attributes = { path: '/', httpOnly: true, secure: isSecure, sameSite: 'strict' } as const;
  /** Those that were signed out of, until they would have ended by themselves. */
  const ended = new Map<string, number>();
  const read = (request: FastifyRequest) => {
    const { valid, value } = signer.unsign(request.cookies[name] ?? '');
    if (!valid || value === null) return undefined;
    const parsed = sessionSchema.safeParse(parseJson(Buffer.from(value, 'base64url').toString()));
    if (!parsed.success || parsed.data.endsAt <= Date.now()) return undefined;
    return ended.has(parsed.data.id) ? undefined : parsed.data;
  };
  return {
    begin: (reply, who) => {
      const id = randomBytes(12).toString('base64url');
      const session: Session = { ...who, id, endsAt: Date.now() + lastMs };
      const value = Buffer.from(JSON.stringify(session)).toString('base64url');
      reply.setCookie(name, signer.sign(value), {
        ...attributes,
        maxAge: Math.floor(lastMs / 1_000),
      });
    },
    read,
    end: (request, reply) => {
      const session = read(request);
      const now = Date.now();
      for (const [id, endsAt] of ended) if (endsAt <= now) ended.delete(id);
      if (session) ended.set(session.id, session.endsAt);
      reply.clearCookie(name, attributes);
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
