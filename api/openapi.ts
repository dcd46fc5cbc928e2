import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { ERROR_CODES } from '../domain/errors';
import { readVersion } from './routes/session';

/** Has the API described while its routes are added: OpenAPI 3.1, made of their schemas. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Order Dispatch',
        version: readVersion(),
        description: [
          'Places orders, shows where they stand, and lets people decide about those that wait for one.',
          `Errors are problems (RFC 9457) with a stable \`code\`: ${ERROR_CODES.join(', ')}, or one of the API's own.`,
          'A page that is signed in by a cookie sends `X-Requested-With: order-dispatch` with whatever changes something.',
        ].join('\n\n'),
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'order-dispatch' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: (document) => {
      const transformed = jsonSchemaTransform(document);
      const { allows } = document.route.config ?? {};
      // Whatever is no route of ours is no part of the API.
      if (allows === undefined) return { ...transformed, schema: { hide: true } };
      const security = allows === 'everybody' ? { security: [] } : {};
      return { ...transformed, schema: { ...transformed.schema, ...security } };
    },
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  });
}

/** The description, of a server that is ready. */
export function openApiOf(app: FastifyInstance): Record<string, unknown> {
  return app.swagger() as unknown as Record<string, unknown>;
}

/** Each schema comes in two forms, as it is sent and as it is answered; only one of them is used. */
function withoutUnused<Described extends ReturnType<typeof jsonSchemaTransformObject>>(
  described: Described,
): Described {
  const { components } = described as { components?: { schemas?: Record<string, unknown> } };
  const text = JSON.stringify(described);
  const schemas = Object.fromEntries(
    Object.entries(components?.schemas ?? {}).filter(
      ([name]) => !name.endsWith('Input') || text.includes(`"#/components/schemas/${name}"`),
    ),
  );
  return { ...described, components: { ...components, schemas } };
}
