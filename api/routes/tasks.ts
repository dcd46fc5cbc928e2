import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DECISIONS, decisionsFor, type Decision } from '../../domain/decisions';
import { defined } from '../../domain/defined';
import { DispatchUnavailable, OrderDispatchError } from '../../domain/errors';
import { GUIDANCE } from '../../domain/guidance';
import { HUMAN_TASK_KINDS } from '../../domain/human-task';
import { orderIdOfWorkflow } from '../../domain/temporal-names';
import {
  claim,
  listTasks,
  note as takeNote,
  readTask,
  release,
  snooze,
} from '../../operations/human-tasks';
import { findOpenTasks } from '../../operations/open-tasks';
import { resolveTask } from '../../operations/resolve-task';
import { actorOf, whoOf } from '../access';
import { orderState } from '../schemas/orders';
import { answers, limit, note, noteBody, nothing, taskId, text, time } from '../schemas/primitives';
import { escalationReason, humanTaskDetails, humanTaskList, humanTaskRow } from '../schemas/tasks';
import type { ApiServices } from '../services';
import { OPERATORS, READERS } from '../who';
import { explain } from './orders';

/** How long a request waits until a decision is carried out, in ms. */
const WAIT_MS = 10_000;

const byTask = z.strictObject({ taskId });

/** Which tasks; all conditions that are given must fit. */
export const taskConditions = {
  kind: z.enum(HUMAN_TASK_KINDS).optional(),
  restaurantId: text(128).optional(),
  claimedBy: text(200).optional(),
  openedBefore: time.optional(),
};

const courierId = text(128);

/** The human tasks: listing, sharing out, deciding. */
export const taskRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services },
  done,
) => {
  const { session, databases, withDatabases } = services;

  app.get(
    '/v1/tasks',
    {
      config: { allows: READERS, etag: true },
      schema: {
        tags: ['tasks'],
        summary: 'List the open human tasks, counted by reason first',
        querystring: z.strictObject({
          reason: escalationReason.optional(),
          ...taskConditions,
          about: taskId.optional().describe('An order ID or a task ID.'),
          after: text(400).optional(),
          limit: limit(50),
        }),
        response: answers({ 200: humanTaskList }),
      },
    },
    async (request) => {
      const { reason, after, limit: rows, ...same } = request.query;
      const filter = defined({ escalationReason: reason, ...same });
      return withDatabases(({ orders }) =>
        listTasks(orders, { filter, limit: rows, ...defined({ after }) }),
      );
    },
  );

  app.get(
    '/v1/tasks/:taskId',
    {
      config: { allows: READERS },
      schema: {
        tags: ['tasks'],
        summary: 'Show a human task, with all that one needs to decide',
        params: byTask,
        response: answers({ 200: humanTaskDetails }),
      },
    },
    async (request) => {
      const { taskId: id } = request.params;
      const recorded = await withDatabases(({ orders }) => readTask(orders, id));
      const { task } = recorded;
      const isForViewer = whoOf(request).role === 'viewer';
      const isAsked = task.end === null && task.kind !== 'health';
      const [told, why] = await Promise.all([
        isAsked ? askWorkflow(services, id) : { humanTask: null },
        task.orderId === null ? null : explainBriefly(services, task.orderId, isForViewer),
      ]);
      const takes = told.humanTask?.decisions ?? decisionsFor(task.escalationReason);
      return {
        ...recorded,
        ...told,
        why,
        guidance: GUIDANCE[task.escalationReason],
        decisions: task.end === null ? takes.map(formOf) : [],
      };
    },
  );

  app.post(
    '/v1/tasks/:taskId/claim',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['tasks'],
        summary: 'Claim a task for 15 minutes, or renew the claim',
        params: byTask,
        body: z.strictObject({ takeOver: z.boolean().default(false), note: note.optional() }),
        response: answers({ 200: humanTaskRow }),
      },
    },
    async (request) => {
      const { takeOver, note: why } = request.body;
      const act = { ...actorOf(request), ...defined({ note: why }) };
      return withDatabases(({ orders }) =>
        claim(orders, { task: request.params.taskId, act, takeOver }),
      );
    },
  );

  app.post(
    '/v1/tasks/:taskId/release',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['tasks'],
        summary: 'Give a claim back',
        params: byTask,
        body: z.strictObject({ note: note.optional() }).optional(),
        response: answers({ 204: nothing }),
      },
    },
    async (request, reply) => {
      const act = { ...actorOf(request), ...defined({ note: request.body?.note }) };
      await withDatabases(({ orders }) => release(orders, { task: request.params.taskId, act }));
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/tasks/:taskId/snooze',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['tasks'],
        summary: 'Have nobody told before then that a task is due',
        params: byTask,
        body: z.strictObject({ until: time, note: note.optional() }),
        response: answers({ 204: nothing }),
      },
    },
    async (request, reply) => {
      const { until, note: why } = request.body;
      const act = { ...actorOf(request), ...defined({ note: why }) };
      await withDatabases(({ orders }) =>
        snooze(orders, { task: request.params.taskId, act, until }),
      );
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/tasks/:taskId/note',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['tasks'],
        summary: 'Write down something about a task, for others to read',
        params: byTask,
        body: noteBody,
        response: answers({ 204: nothing }),
      },
    },
    async (request, reply) => {
      const act = { ...actorOf(request), note: request.body.note };
      await withDatabases(({ orders }) => takeNote(orders, { task: request.params.taskId, act }));
      return reply.code(204).send();
    },
  );

  app.post(
    '/v1/tasks/:taskId/resolve',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['tasks'],
        summary: 'Resolve a human task',
        description:
          'Waits a while until the decision is carried out; answers 202 where it takes longer. A 409 says who was first, and when.',
        params: byTask,
        body: z.strictObject({
          decision: z.enum(DECISIONS),
          courierId: courierId.optional().describe('Needed by `markDispatched`.'),
          note,
          openedAt: time.describe('Of the task that is meant.'),
        }),
        response: answers({
          200: z.object({ taskId: z.string(), order: orderState.nullable() }),
          202: z.object({ taskId: z.string(), asked: z.enum(DECISIONS) }),
        }),
      },
    },
    async (request, reply) => {
      const { taskId: id } = request.params;
      const { decision, courierId: courier, note: why, openedAt } = request.body;
      const resolution = {
        ...actorOf(request),
        ...{ decision, note: why, openedAt: openedAt.toISOString() },
        ...defined({ courierId: courier }),
      };
      const resolved = await resolveTask(session, databases, {
        taskId: id,
        resolution,
        waitMs: WAIT_MS,
      });
      if (resolved.isOver) return { taskId: id, order: resolved.result };
      return reply.code(202).send({ taskId: id, asked: decision });
    },
  );

  done();
};

/** What the workflow itself says of its task, where a worker answers. */
async function askWorkflow({ session }: ApiServices, id: string) {
  try {
    const [open] = (await findOpenTasks(session, orderIdOfWorkflow(id) ?? id, [id])) ?? [];
    return { humanTask: open?.humanTask ?? null };
  } catch (error) {
    if (!(error instanceof DispatchUnavailable)) throw error;
    return { humanTask: null, unanswered: error.message };
  }
}

/** Null where nobody can say. */
async function explainBriefly(services: ApiServices, id: string, isForViewer: boolean) {
  try {
    const { text: paragraph } = await explain(services, id, isForViewer);
    return { text: paragraph };
  } catch (error) {
    if (error instanceof OrderDispatchError) return null;
    throw error;
  }
}

/** A decision, and what a form asks for. */
function formOf(decision: Decision) {
  const fields = {
    ...(decision === 'markDispatched' && { courierId: courierId.describe('Who delivers it') }),
    note: z.string().min(1).max(2_000).describe('Why; others read it'),
  };
  return { decision, schema: z.toJSONSchema(z.strictObject(fields)) as Record<string, unknown> };
}
