import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DEAD_LETTER_STATES } from '../../domain/dead-letter-state';
import { defined } from '../../domain/defined';
import { UsageError } from '../../domain/errors';
import {
  discardDeadLetters,
  listDeadLetters,
  showDeadLetter,
  type DeadLetterFilter,
} from '../../operations/dead-letters';
import { actorOf, whoOf } from '../access';
import { Refusal } from '../problem';
import { deadLetter, deadLetterList } from '../schemas/messages';
import {
  answers,
  at,
  decimalId,
  limit,
  note,
  orderId,
  ratePerSecond,
  text,
  time,
} from '../schemas/primitives';
import type { ApiServices } from '../services';
import { ADMINS, OPERATORS, READERS } from '../who';

const conditions = {
  reason: text(300).optional().describe('What the reason contains.'),
  sourceQueue: text(255).optional(),
  orderId: orderId.optional(),
  since: time.optional().describe('Failed last at or after this.'),
};

/** Dead letters that are named one by one, at most. */
const IDS_MAX = 1_000;

const selection = {
  filter: z.strictObject(conditions).optional(),
  ids: z.array(decimalId).min(1).max(IDS_MAX).optional(),
  note,
  dryRun: z.boolean().default(false),
};

const TWO_WAYS = 'Which: either `filter`, with a condition at the least, or `ids`.';

const report = z.object({
  dryRun: z.boolean(),
  matched: z.int(),
  replayed: z.array(z.string()),
  cameBack: z.array(z.object({ id: z.string(), newId: z.string(), deadLetterReason: z.string() })),
  stopped: z
    .object({
      because: z.enum(['noConsumer', 'canaryFailed', 'brokerUnavailable', 'publishRefused']),
      // Not "detail", which a viewer does not get: it is our own word.
      detail: z.string().optional(),
    })
    .optional(),
});

const replay = z
  .object({
    replayId: z.string(),
    startedAt: at,
    actor: z.string(),
    progress: z
      .union([
        z.object({ kind: z.literal('replayed'), replayed: z.int(), of: z.int() }),
        z.object({ kind: z.literal('watching'), canaries: z.int(), watchMs: z.int() }),
        z.object({ kind: z.literal('waiting'), because: z.string() }),
      ])
      .optional(),
    report: report.optional(),
    failed: z.string().optional(),
  })
  .meta({ id: 'Replay' });

/** The messages that their consumers gave up on. */
export const deadLetterRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services },
  done,
) => {
  const { databases, withDatabases, replays, amqpUrl, log } = services;

  app.get(
    '/v1/dead-letters',
    {
      config: { allows: READERS, etag: true },
      schema: {
        tags: ['dead letters'],
        summary: 'List dead letters, counted by reason and queue first',
        querystring: z.strictObject({
          ...conditions,
          state: z.enum(DEAD_LETTER_STATES).optional(),
          about: orderId.optional().describe('The same as `orderId`.'),
          after: decimalId.optional(),
          limit: limit(50),
        }),
        response: answers({ 200: deadLetterList }),
      },
    },
    async ({ query }) => {
      const { about, after, limit: rows, state, ...given } = query;
      const filter = { ...filterOf(given), ...defined({ state }) };
      if (about !== undefined) filter.orderId = about;
      return withDatabases(({ orders }) =>
        listDeadLetters({ database: orders, filter, limit: rows, ...defined({ after }) }),
      );
    },
  );

  app.get(
    '/v1/dead-letters/:id',
    {
      config: { allows: READERS },
      schema: {
        tags: ['dead letters'],
        summary: 'Show a dead letter; its message for operators and admins',
        params: z.strictObject({ id: decimalId }),
        response: answers({ 200: deadLetter }),
      },
    },
    async (request) => {
      const content = whoOf(request).role !== 'viewer';
      const { id } = request.params;
      return withDatabases(({ orders }) => showDeadLetter({ database: orders, id, content }));
    },
  );

  app.post(
    '/v1/dead-letters/replay',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['dead letters'],
        summary: 'Replay dead letters: one as an operator, many as an admin',
        description: `${TWO_WAYS} First a few; the rest once none of these came back. What it does not come to stays open, and repeating it goes on there.`,
        body: z.strictObject({
          ...selection,
          ratePerSecond: ratePerSecond.optional(),
          canary: z.int().min(0).max(100).optional(),
        }),
        response: answers({
          200: z.object({ matched: z.int() }),
          202: z.object({ replayId: z.string() }),
        }),
      },
    },
    async (request, reply) => {
      const { note: why, dryRun, ratePerSecond: rate, canary, ...which } = request.body;
      const filter = selectionOf(which);
      if (which.ids?.length !== 1 && !dryRun && whoOf(request).role !== 'admin') {
        throw new Refusal('Forbidden', 'an operator replays one at a time, an admin many');
      }
      if (dryRun) {
        const open = { ...filter, state: 'open' as const };
        const { matched } = await withDatabases(({ orders }) =>
          listDeadLetters({ database: orders, filter: open, limit: 1 }),
        );
        return { matched };
      }
      const { replayId } = replays.start({
        ...{ database: databases.opened.orders, amqpUrl, log, filter, note: why },
        ...actorOf(request),
        ...defined({ ratePerSecond: rate, canary }),
      });
      return reply.code(202).send({ replayId });
    },
  );

  app.get(
    '/v1/dead-letters/replays/:replayId',
    {
      config: { allows: READERS },
      schema: {
        tags: ['dead letters'],
        summary: 'Show how far a replay of this process is',
        params: z.strictObject({ replayId: z.uuid() }),
        response: answers({ 200: replay }),
      },
    },
    ({ params }) => replays.find(params.replayId),
  );

  app.post(
    '/v1/dead-letters/discard',
    {
      config: { allows: ADMINS },
      schema: {
        tags: ['dead letters'],
        summary: 'Discard dead letters: nobody will handle their messages',
        description: TWO_WAYS,
        body: z.strictObject(selection),
        response: answers({
          200: z.object({ dryRun: z.boolean(), matched: z.int(), discarded: z.int() }),
        }),
      },
    },
    async (request) => {
      const { note: why, dryRun, ...which } = request.body;
      const filter = selectionOf(which);
      const by = actorOf(request);
      return withDatabases(({ orders }) =>
        discardDeadLetters({ database: orders, filter, note: why, dryRun, ...by }),
      );
    },
  );

  done();
};

type Conditions = z.infer<z.ZodObject<typeof conditions>>;

function filterOf({ reason, sourceQueue, orderId: id, since }: Conditions): DeadLetterFilter {
  return defined({ deadLetterReason: reason, sourceQueue, orderId: id, since });
}

function selectionOf(given: {
  filter?: Conditions | undefined;
  ids?: string[] | undefined;
}): DeadLetterFilter {
  const { filter, ids } = given;
  if ((filter === undefined) === (ids === undefined)) throw new UsageError(TWO_WAYS);
  if (filter === undefined) return defined({ ids });
  const conditionsGiven = filterOf(filter);
  if (Object.keys(conditionsGiven).length === 0) throw new UsageError(TWO_WAYS);
  return conditionsGiven;
}
