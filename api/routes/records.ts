import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { defined } from '../../domain/defined';
import { readAudit } from '../../operations/audit';
import { listRepairs, readRepair } from '../../operations/repairs';
import { auditEntry } from '../schemas/orders';
import { answers, at, decimalId, limit, next, orderId, text, time } from '../schemas/primitives';
import type { ApiServices } from '../services';
import { READERS } from '../who';

const REPAIR_ACTIONS = ['nothing', 'restarted', 'withdrawn', 'kept', 'withdrawalRefused'] as const;

/** What the databases and Temporal said of an order. */
const facts = z.record(z.string(), z.unknown());

const repair = z
  .object({
    id: z.string(),
    orderId: z.string(),
    found: z.string(),
    done: z.enum(REPAIR_ACTIONS),
    before: facts,
    after: facts,
    provenance: z.string(),
    actor: z.string().optional(),
    note: z.string().optional(),
    runId: z.string(),
    createdAt: at,
  })
  .meta({ id: 'RepairRecord' });

/** What was repaired, and what people did. */
export const recordRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services: { withDatabases } },
  done,
) => {
  app.get(
    '/v1/repairs',
    {
      config: { allows: READERS },
      schema: {
        tags: ['records'],
        summary: 'List repairs, the newest first',
        querystring: z.strictObject({
          orderId: orderId.optional(),
          done: z.enum(REPAIR_ACTIONS).optional(),
          since: time.optional(),
          after: decimalId.optional(),
          limit: limit(50),
        }),
        response: answers({ 200: z.object({ rows: z.array(repair), next }) }),
      },
    },
    async ({ query }) => {
      const { limit: most, after, ...conditions } = query;
      const filter = defined({ ...conditions, beforeId: after });
      const found = await withDatabases((databases) =>
        listRepairs(databases, { filter, limit: most + 1 }),
      );
      return pageOf(found.map(plain), most);
    },
  );

  app.get(
    '/v1/repairs/:id',
    {
      config: { allows: READERS },
      schema: {
        tags: ['records'],
        summary: 'Show a repair, with what was found before and after it',
        params: z.strictObject({ id: decimalId }),
        response: answers({ 200: repair }),
      },
    },
    async ({ params }) =>
      plain(await withDatabases((databases) => readRepair(databases, params.id))),
  );

  app.get(
    '/v1/audit',
    {
      config: { allows: READERS },
      schema: {
        tags: ['records'],
        summary: 'List what people did, the newest first',
        querystring: z.strictObject({
          actor: text(200).optional(),
          orderId: orderId.optional(),
          since: time.optional(),
          after: decimalId.optional(),
          limit: limit(50),
        }),
        response: answers({ 200: z.object({ rows: z.array(auditEntry), next }) }),
      },
    },
    async ({ query }) => {
      const { limit: most, after, ...conditions } = query;
      const filter = defined({ ...conditions, beforeId: after });
      const found = await withDatabases(({ orders }) =>
        readAudit(orders, { filter, limit: most + 1 }),
      );
      return pageOf(found, most);
    },
  );

  done();
};

/** Facts as they are stored: JSON. */
function plain<Row extends { before: object; after: object }>({ before, after, ...row }: Row) {
  return { ...row, before: { ...before }, after: { ...after } };
}

function pageOf<Row extends { id: string }>(found: Row[], most: number) {
  const rows = found.slice(0, most);
  return { rows, next: found.length > most ? (rows.at(-1)?.id ?? null) : null };
}
