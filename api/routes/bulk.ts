import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { defined } from '../../domain/defined';
import { UsageError } from '../../domain/errors';
import type { HumanTaskFilter } from '../../domain/human-task';
import { abortBulk, listBulk, planBulk, reportBulk, startBulk } from '../../operations/bulk';
import { actorOf } from '../access';
import { bulkDecision, bulkProgress, bulkReport } from '../schemas/bulk';
import {
  answers,
  bulkId,
  limit,
  note,
  noteBody,
  ratePerSecond,
  taskId,
} from '../schemas/primitives';
import { escalationReason, humanTaskList } from '../schemas/tasks';
import type { ApiServices } from '../services';
import { ADMINS, READERS } from '../who';
import { taskConditions } from './tasks';

const byRun = z.strictObject({ bulkId });

/** Tasks that are named one by one, at most. */
const TASKS_MAX = 2_000;

const selection = {
  filter: z
    .strictObject({ escalationReason: escalationReason.optional(), ...taskConditions })
    .optional(),
  taskIds: z.array(taskId).min(1).max(TASKS_MAX).optional(),
  limit: z.int().min(1).max(100_000).optional().describe('The oldest so many.'),
};

const TWO_WAYS = 'Which tasks: either `filter`, with a condition at the least, or `taskIds`.';

/** One decision about many human tasks. */
export const bulkRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services },
  done,
) => {
  const { session, withDatabases } = services;

  app.post(
    '/v1/bulk/plan',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['bulk'],
        summary: 'Count what a bulk run would decide about, and change nothing',
        description: TWO_WAYS,
        body: z.strictObject({ ...selection, decision: bulkDecision.optional() }),
        response: answers({ 200: humanTaskList }),
      },
    },
    async ({ body }) => withDatabases(({ orders }) => planBulk(orders, selectionOf(body))),
  );

  app.post(
    '/v1/bulk',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['bulk'],
        summary: 'Decide about many human tasks',
        description: `${TWO_WAYS} A durable workflow resolves them, the oldest first; it needs nobody to wait for it.`,
        body: z.strictObject({
          ...selection,
          decision: bulkDecision,
          note,
          ratePerSecond: ratePerSecond.optional(),
          expected: z
            .int()
            .min(1)
            .describe('How many the plan counted; refused where it is another number by now.'),
        }),
        response: answers({ 201: z.object({ bulkId: z.int(), tasks: z.int() }) }),
      },
    },
    async (request, reply) => {
      const { decision, note: why, ratePerSecond: rate, expected, ...which } = request.body;
      const order = { ...selectionOf(which), decision, note: why, expected, ...actorOf(request) };
      const begun = await withDatabases(({ orders }) =>
        startBulk(
          { database: orders, temporal: session.temporal },
          { ...order, ...defined({ ratePerSecond: rate }) },
        ),
      );
      return reply.code(201).send(begun);
    },
  );

  app.get(
    '/v1/bulk',
    {
      config: { allows: READERS },
      schema: {
        tags: ['bulk'],
        summary: 'List bulk runs, the newest first',
        querystring: z.strictObject({ limit: limit(20) }),
        response: answers({ 200: z.object({ runs: z.array(bulkProgress) }) }),
      },
    },
    async ({ query }) => ({
      runs: await withDatabases(({ orders }) => listBulk(orders, query.limit)),
    }),
  );

  app.get(
    '/v1/bulk/:bulkId',
    {
      config: { allows: READERS },
      schema: {
        tags: ['bulk'],
        summary: 'Show how far a bulk run is, and what it did not resolve',
        params: byRun,
        response: answers({ 200: bulkReport }),
      },
    },
    async ({ params }) => withDatabases(({ orders }) => reportBulk(orders, params.bulkId)),
  );

  app.post(
    '/v1/bulk/:bulkId/abort',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['bulk'],
        summary: 'End a bulk run; what it has not come to stays as it is',
        params: byRun,
        body: noteBody,
        response: answers({ 200: bulkProgress }),
      },
    },
    async (request) => {
      const given = { bulkId: request.params.bulkId, note: request.body.note, ...actorOf(request) };
      return withDatabases(({ orders }) => abortBulk(orders, given));
    },
  );

  done();
};

function selectionOf(body: {
  filter?: { [Name in keyof HumanTaskFilter]?: HumanTaskFilter[Name] | undefined } | undefined;
  taskIds?: string[] | undefined;
  limit?: number | undefined;
}): { filter: HumanTaskFilter; limit?: number } {
  const { filter, taskIds, limit: most } = body;
  if ((filter === undefined) === (taskIds === undefined)) throw new UsageError(TWO_WAYS);
  return { filter: defined({ ...filter, taskIds }), ...defined({ limit: most }) };
}
