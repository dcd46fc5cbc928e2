import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ROLES } from '../../domain/role';
import { API_AUTHS, type ApiAuth } from '../../runtime/api-config';
import { packageRoot } from '../../runtime/package-root';
import { whoOf } from '../access';
import { answers } from '../schemas/primitives';

/** What is told to who is signed in. */
export interface SessionFacts {
  auth: ApiAuth;
  /** Where Temporal's Web UI is, for links. */
  temporalUi?: { url: string; namespace: string };
}

/** Says who is signed in. */
export const sessionRoutes: FastifyPluginCallbackZod<{ facts: SessionFacts }> = (
  app,
  { facts },
  done,
) => {
  const version = readVersion();
  app.get(
    '/v1/session',
    {
      config: { allows: ROLES },
      schema: {
        tags: ['session'],
        summary: 'Say who is signed in, and what they may do',
        response: answers({
          200: z.object({
            actor: z.string(),
            role: z.enum(ROLES),
            auth: z.enum(API_AUTHS),
            temporalUi: z.object({ url: z.string(), namespace: z.string() }).optional(),
            version: z.string(),
          }),
        }),
      },
    },
    (request) => {
      const { actor, role } = whoOf(request);
      return { actor, role, ...facts, version };
    },
  );
  done();
};

/** The version of the service. */
export function readVersion(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
