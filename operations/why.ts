import { translated } from '../client/translate-error';
import { readWhyFacts, type RecordedWhyFacts } from '../database/orders/why-facts';
import { QUEUES } from '../domain/amqp-names';
import { defined } from '../domain/defined';
import { OrderDispatchError, OrderNotFound } from '../domain/errors';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import type { OrderStatusView } from '../domain/workflow-contract';
import type { OwnerFacts, WhyFacts, WhyTask } from '../domain/why-facts';
import { readQueueDepths } from '../messaging/queue-depths';
import type { Logger } from '../runtime/logger';
import { readOwnerFacts } from '../temporal/owner-facts';
import { withOperatorDatabases, type OperatorDatabaseUrls } from './open-databases';
import { QUERY_TIMEOUT_MS } from './open-tasks';
import type { OperatorSession } from './operator-session';

/** Whom to ask about an order; whoever is absent is said to be not known. */
export interface WhySources extends Partial<OperatorDatabaseUrls> {
  /** How Temporal is spoken to, or why it cannot be. */
  temporal: Pick<OperatorSession, 'temporal' | 'orders'> | OrderDispatchError;
  amqpUrl?: string;
  log: Logger;
}

/**
 * Gathers all that is known of why an order stands where it does, from the order database, from Temporal
 * and from the broker. What cannot be asked is named.
 *
 * @throws OrderNotFound where nobody knows it.
 */
export async function gatherWhyFacts(sources: WhySources, orderId: string): Promise<WhyFacts> {
  const [recorded, owner, queue] = await Promise.all([
    asked('the order database', () => readRecorded(sources, orderId)),
    asked('Temporal', () => readOwner(sources, orderId)),
    asked('RabbitMQ', () => readQueue(sources)),
  ]);
  const notKnown = [recorded, owner, queue].flatMap(({ why }) => (why === undefined ? [] : [why]));
  const { isKnown = false, ...facts } = recorded.found ?? {};
  const ownerFacts: OwnerFacts = owner.found ?? { state: 'notKnown' };
  if (recorded.found && !isKnown && ownerFacts.state === 'gone') throw new OrderNotFound(orderId);
  const viewed = recorded.found
    ? {}
    : await asked('its workflow', () => readView(sources, orderId), notKnown);
  const view = 'found' in viewed ? viewed.found : undefined;
  return {
    orderId,
    now: new Date().toISOString(),
    owner: ownerFacts,
    openDeadLetters: 0,
    tasks: view ? tasksOf(view) : [],
    ...facts,
    ...defined({ view, requestsQueue: queue.found }),
    notKnown,
  };
}

/** What a source said, or why it said nothing. */
interface Asked<Found> {
  found?: Found;
  why?: string;
}

async function asked<Found>(
  name: string,
  ask: () => Promise<Found | undefined>,
  notKnown: string[] = [],
): Promise<Asked<Found>> {
  try {
    const found = await ask();
    if (found !== undefined) return { found };
    const why = `${name} (nobody said where it is)`;
    notKnown.push(why);
    return { why };
  } catch (error) {
    if (!(error instanceof OrderDispatchError) || error instanceof OrderNotFound) throw error;
    const why = `${name} (${error.message})`;
    notKnown.push(why);
    return { why };
  }
}

async function readRecorded(
  { ordersDatabaseUrl, opened }: WhySources,
  orderId: string,
): Promise<RecordedWhyFacts | undefined> {
  if (ordersDatabaseUrl === undefined) return undefined;
  return withOperatorDatabases({ ordersDatabaseUrl, ...defined({ opened }) }, ({ orders }) =>
    readWhyFacts(orders, orderId),
  );
}

function readOwner({ temporal }: WhySources, orderId: string): Promise<OwnerFacts> {
  if (temporal instanceof OrderDispatchError) throw temporal;
  const client = temporal.temporal;
  return translated(orderId, () =>
    client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => readOwnerFacts(client, orderId)),
  );
}

async function readView(
  { temporal }: WhySources,
  orderId: string,
): Promise<OrderStatusView | undefined> {
  if (temporal instanceof OrderDispatchError) throw temporal;
  return temporal.orders.getOrder(orderId).status();
}

async function readQueue({ amqpUrl, log }: WhySources): Promise<WhyFacts['requestsQueue']> {
  if (amqpUrl === undefined) return undefined;
  const queue = QUEUES.dispatchRequests;
  const depths = await readQueueDepths({ url: amqpUrl, name: 'why', log }, [queue]);
  return depths[queue];
}

function tasksOf({ orderId, humanTask }: OrderStatusView): WhyTask[] {
  if (!humanTask) return [];
  const { escalationReason, escalatedAt } = humanTask;
  const taskId = dispatchOrderWorkflowId(orderId);
  return [{ taskId, escalationReason, openedAt: escalatedAt }];
}
