import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { defined } from '../../domain/defined';
import { readHealth, readHealthHistory } from '../../operations/health';
import { hold, readHold, release } from '../../operations/hold';
import { actorOf } from '../access';
import { answers, at, noteBody, ratePerSecond, time } from '../schemas/primitives';
import type { ApiServices } from '../services';
import { ADMINS, READERS } from '../who';

const DAY_MS = 24 * 60 * 60_000;

const counts = z.record(z.string(), z.int());

const figures = z
  .object({
    orders: counts.optional(),
    openTasks: counts.optional(),
    openDeadLetters: z.int().optional(),
    held: z.int().optional(),
    queues: z.record(z.string(), z.object({ messages: z.int(), consumers: z.int() })).optional(),
    acknowledgementMs: z.object({ p50: z.number(), p99: z.number(), answers: z.int() }).optional(),
    eventsBehindMs: z.number().optional(),
    eventsRefused: z.int().optional(),
  })
  .meta({ id: 'HealthFigures' });

const health = z
  .object({
    state: z.enum(['healthy', 'unhealthy', 'stale']),
    report: z
      .object({
        at: z.string(),
        findings: z.array(
          z.object({
            code: z.string(),
            severity: z.enum(['warning', 'critical']),
            what: z.string(),
            whatToDo: z.string(),
            examples: z.array(z.string()).optional(),
          }),
        ),
        figures,
        notChecked: z.array(z.object({ what: z.string(), why: z.string() })),
      })
      .optional(),
    ageMs: z.number().optional(),
  })
  .meta({ id: 'Health' });

const heldState = z
  .object({
    hold: z.object({
      id: z.int(),
      heldAt: at,
      heldBy: z.string(),
      /** Absent for a viewer. */
      note: z.string().optional(),
      endedAt: at.nullable(),
    }),
    waiting: z.int(),
  })
  .meta({ id: 'HoldState' });

const noHold = z.object({ hold: z.null() });

/** The service as a whole: its health, and whether requests are held. */
export const serviceRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services: { session, withDatabases } },
  done,
) => {
  app.get(
    '/v1/health',
    {
      config: { allows: READERS },
      schema: {
        tags: ['service'],
        summary: 'Show the last health report',
        response: answers({ 200: health }),
      },
    },
    async () => withDatabases(({ orders }) => readHealth(orders)),
  );

  app.get(
    '/v1/health/history',
    {
      config: { allows: READERS },
      schema: {
        tags: ['service'],
        summary: 'Show the health reports of a time, of a long one some of them',
        querystring: z.strictObject({
          since: time.optional().describe('A day before `until`, where it is not given.'),
          until: time.optional().describe('Now, where it is not given.'),
        }),
        response: answers({
          200: z.object({
            reports: z.array(
              z.object({
                at: z.string(),
                findings: z.object({ critical: z.int(), warning: z.int() }),
                figures,
              }),
            ),
          }),
        }),
      },
    },
    async ({ query }) => {
      const { until = new Date() } = query;
      const { since = new Date(until.getTime() - DAY_MS) } = query;
      const reports = await withDatabases(({ orders }) =>
        readHealthHistory(orders, { since, until }),
      );
      return { reports };
    },
  );

  app.get(
    '/v1/hold',
    {
      config: { allows: READERS },
      schema: {
        tags: ['service'],
        summary: 'Say whether requests are held',
        response: answers({ 200: z.union([heldState, noHold]) }),
      },
    },
    async () => (await withDatabases(({ orders }) => readHold(orders))) ?? { hold: null },
  );

  app.post(
    '/v1/hold',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['service'],
        summary: 'Keep all requests at home until they are released',
        body: noteBody,
        response: answers({ 200: z.union([heldState, noHold]) }),
      },
    },
    async (request) => {
      const act = { ...actorOf(request), note: request.body.note };
      return withDatabases(async ({ orders }) => {
        await hold(orders, act);
        return (await readHold(orders)) ?? { hold: null };
      });
    },
  );

  app.post(
    '/v1/hold/release',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['service'],
        summary: 'Have held orders go on: first a few, then all others',
        body: noteBody.extend({ ratePerSecond: ratePerSecond.optional() }),
        response: answers({ 202: z.object({ workflowId: z.string(), waiting: z.int() }) }),
      },
    },
    async (request, reply) => {
      const { note: why, ratePerSecond: rate } = request.body;
      const act = { ...actorOf(request), note: why, ...defined({ ratePerSecond: rate }) };
      const { workflowId, waiting } = await withDatabases(({ orders }) =>
        release({ database: orders, temporal: session.temporal }, act),
      );
      return reply.code(202).send({ workflowId, waiting });
    },
  );

  done();
};
