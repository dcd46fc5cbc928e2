import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { defined } from '../../domain/defined';
import { eraseKnowingRemains } from '../../operations/erase-remains';
import { actorOf } from '../access';
import { answers, note, text } from '../schemas/primitives';
import type { ApiServices } from '../services';
import { ADMINS } from '../who';

const erasure = z
  .object({
    dryRun: z.boolean(),
    customerHash: z.string().describe('What is kept of the customer ID.'),
    erasedAt: z.string(),
    orderIds: z.array(z.string()),
    newlyErased: z.array(z.string()),
    erasedBefore: z.int(),
    rows: z
      .object({
        orders: z.int(),
        acknowledgements: z.int(),
        repairs: z.int(),
        humanTasks: z.int(),
        audit: z.int(),
        bulkRuns: z.int(),
        deadLetters: z.int(),
        inbox: z.int().optional(),
      })
      .describe('How many rows were blanked.'),
    remains: z.object({
      temporal: z.object({
        namespace: z.string(),
        retentionMs: z.int(),
        isArchived: z.boolean(),
        histories: z.array(
          z.object({
            workflowId: z.string(),
            runId: z.string(),
            removedAt: z.string().optional(),
          }),
        ),
        lastRemovedAt: z.string().optional(),
      }),
      rabbitmq: z.array(z.object({ queue: z.string(), until: z.string() })).readonly(),
    }),
  })
  .meta({ id: 'Erasure' });

/** Blanking the personal data of a customer. */
export const erasureRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services },
  done,
) => {
  const { session, withDatabases, erasureKey } = services;

  app.post(
    '/v1/erasures',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['erasures'],
        summary: 'Blank the personal data of a customer in both databases, for good',
        description:
          'Refused while an order of the customer’s is not final or waits for a person. Safe to repeat: a repeat also blanks dead letters that came later. Do not name the customer in the note. What it cannot reach, and until when, is in `remains`.',
        body: z.strictObject({
          customerId: text(128),
          note,
          dryRun: z.boolean().default(false).describe('Counts, and blanks nothing.'),
        }),
        response: answers({ 200: erasure }),
      },
    },
    (request) => {
      const act = { ...request.body, ...actorOf(request), now: new Date() };
      return withDatabases(async (databases) => ({
        dryRun: act.dryRun,
        ...(await eraseKnowingRemains(
          { session, databases },
          { ...act, ...defined({ hashKey: erasureKey }) },
        )),
      }));
    },
  );

  done();
};
