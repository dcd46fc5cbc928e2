import type { FastifyPluginCallbackZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { defined } from '../../domain/defined';
import { newOrderSchema } from '../../domain/order';
import { policyOverridesSchema } from '../../domain/policy';
import { ORDER_STATUSES } from '../../domain/status';
import { explainOrder } from '../../domain/why';
import { noteOrder } from '../../operations/audit';
import { cancelOrder } from '../../operations/cancel-order';
import { refuseUnknownOrder } from '../../operations/known-order';
import { listOrders } from '../../operations/list-orders';
import { readOrderMessages } from '../../operations/order-messages';
import { reportOrder } from '../../operations/order-overview';
import { readTimeline, withOrdersIfThere } from '../../operations/timeline';
import { gatherWhyFacts } from '../../operations/why';
import { waitWithin } from '../../operations/within';
import { startReconciliation } from '../../operations/without-waiting';
import { actorOf, whoOf } from '../access';
import { Refusal } from '../problem';
import {
  cancelling,
  orderList,
  orderReport,
  orderState,
  placedOrder,
  timeline,
  why,
} from '../schemas/orders';
import { orderMessages } from '../schemas/messages';
import { answers, limit, noteBody, orderId, text, time } from '../schemas/primitives';
import type { ApiServices } from '../services';
import { OPERATORS, ORDER_PLACERS, ORDER_READERS, READERS } from '../who';

/** How long a request waits for an end that may take longer, in ms. */
const WAIT_MS = 10_000;

/** How long placing an order waits for a word of where it stands, in ms: the quick path answers sooner. */
const LOOK_MS = 1_500;

const byOrder = z.strictObject({ orderId });

/** Orders: placing, finding, showing, cancelling. */
export const orderRoutes: FastifyPluginCallbackZod<{ services: ApiServices }> = (
  app,
  { services },
  done,
) => {
  const { session, databases, withDatabases } = services;

  app.post(
    '/v1/orders',
    {
      config: { allows: ORDER_PLACERS, invalidBody: 'InvalidOrder' },
      schema: {
        tags: ['orders'],
        summary: 'Place an order',
        description:
          'From then on it ends dispatched or cancelled, or waits in a listed human task. The order ID makes it safe to repeat.',
        body: z.strictObject({
          order: newOrderSchema,
          policy: policyOverridesSchema().optional(),
        }),
        response: answers({ 200: placedOrder, 201: placedOrder }),
      },
    },
    async (request, reply) => {
      const { order, policy } = request.body;
      const { handle, isNew } = await session.orders.placeOrJoin(order, defined({ policy }));
      // It is placed; where it stands is only worth so much waiting.
      const looked = await waitWithin(
        (over) => session.connection.withAbortSignal(over, () => handle.status()),
        { waitMs: LOOK_MS },
      ).catch(() => ({ isOver: false as const }));
      const view = looked.isOver ? looked.result : null;
      return reply.code(isNew ? 201 : 200).send({ orderId: handle.orderId, view });
    },
  );

  app.get(
    '/v1/orders',
    {
      config: { allows: ORDER_READERS },
      schema: {
        tags: ['orders'],
        summary: 'List orders, the oldest first',
        querystring: z.strictObject({
          status: z.enum(ORDER_STATUSES).optional(),
          olderThan: time.optional(),
          restaurantId: text(128).optional(),
          customerId: text(128).optional(),
          courierId: text(128).optional(),
          q: text(200)
            .optional()
            .describe("An order ID or its beginning, or a customer's, courier's or request's ID."),
          after: text(200).optional(),
          limit: limit(50),
        }),
        response: answers({ 200: orderList }),
      },
    },
    async (request) => {
      const { status, olderThan, q, after, limit: rows, customerId, ...same } = request.query;
      const isViewer = whoOf(request).role === 'viewer';
      if (isViewer && customerId !== undefined) {
        throw new Refusal('Forbidden', 'a viewer does not get to know whose an order is');
      }
      const filter = {
        statuses: status ? [status] : ORDER_STATUSES,
        searchCustomers: !isViewer,
        ...defined({ ...same, customerId, placedBefore: olderThan, search: q }),
      };
      return withDatabases(({ orders }) =>
        listOrders(orders, { filter, limit: rows, ...defined({ after }) }),
      );
    },
  );

  app.get(
    '/v1/orders/:orderId',
    {
      config: { allows: ORDER_READERS },
      schema: {
        tags: ['orders'],
        summary: 'Show an order',
        params: byOrder,
        response: answers({ 200: orderReport }),
      },
    },
    async (request) => {
      const { unanswered, ...report } = await reportOrder(
        session,
        databases,
        request.params.orderId,
      );
      return { ...report, ...(unanswered && { unanswered: unanswered.message }) };
    },
  );

  app.get(
    '/v1/orders/:orderId/timeline',
    {
      config: { allows: READERS },
      schema: {
        tags: ['orders'],
        summary: 'Tell what happened to an order',
        params: byOrder,
        response: answers({ 200: timeline }),
      },
    },
    (request) =>
      withOrdersIfThere(databases, (orders) =>
        readTimeline({ temporal: session, ...(orders && { orders }) }, request.params.orderId),
      ),
  );

  app.get(
    '/v1/orders/:orderId/why',
    {
      config: { allows: READERS },
      schema: {
        tags: ['orders'],
        summary: 'Say why an order stands where it does',
        params: byOrder,
        response: answers({ 200: why }),
      },
    },
    (request) => explain(services, request.params.orderId, whoOf(request).role === 'viewer'),
  );

  app.get(
    '/v1/orders/:orderId/messages',
    {
      config: { allows: READERS },
      schema: {
        tags: ['orders'],
        summary: 'Show the recorded messages about an order',
        params: byOrder,
        response: answers({ 200: orderMessages }),
      },
    },
    async (request) => {
      const { orderId: id } = request.params;
      const content = whoOf(request).role !== 'viewer';
      return withDatabases(({ orders }) => readOrderMessages(orders, { orderId: id, content }));
    },
  );

  app.post(
    '/v1/orders/:orderId/cancel',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['orders'],
        summary: 'Cancel an order',
        description:
          'Waits a while for its end; answers 202 where it takes longer, or a person has to decide.',
        params: byOrder,
        body: noteBody,
        response: answers({ 200: orderState, 202: cancelling }),
      },
    },
    async (request, reply) => {
      const { orderId: id } = request.params;
      const asked = { ...actorOf(request), note: request.body.note };
      const cancelled = await cancelOrder(session, databases, {
        orderId: id,
        request: asked,
        waitMs: WAIT_MS,
      });
      if (cancelled.isOver) return cancelled.result;
      const { task } = cancelled;
      return reply.code(202).send({ orderId: id, status: 'cancelling', task });
    },
  );

  app.post(
    '/v1/orders/:orderId/reconcile',
    {
      config: { allows: OPERATORS },
      schema: {
        tags: ['orders'],
        summary: 'Have an order looked at: do the databases and Temporal agree about it?',
        params: byOrder,
        body: noteBody,
        response: answers({
          202: z.object({ orderId: z.string(), asked: z.literal('reconcile') }),
        }),
      },
    },
    async (request, reply) => {
      const { orderId: id } = request.params;
      const by = actorOf(request);
      await refuseUnknownOrder(session, databases, id);
      await withDatabases(({ orders }) =>
        noteOrder(orders, { orderId: id, note: request.body.note, ...by }),
      );
      await startReconciliation(session, id, by);
      return reply.code(202).send({ orderId: id, asked: 'reconcile' });
    },
  );

  done();
};

/** Why an order stands where it does; for a viewer, without what people noted. */
export async function explain(
  { session, databases, amqpUrl, log }: ApiServices,
  id: string,
  isForViewer: boolean,
) {
  const facts = await gatherWhyFacts({ ...databases, temporal: session, amqpUrl, log }, id);
  if (!isForViewer || !facts.hold) return explainOrder(facts);
  return explainOrder({ ...facts, hold: { ...facts.hold, note: '(for operators)' } });
}
