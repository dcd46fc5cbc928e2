import { optionalTsToMs } from '@temporalio/common/lib/time';
import { translateError } from '../client/translate-error';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { workflowIdsOf } from '../temporal/order-workflows';
import { eraseCustomer, type Erasure, type ErasureRequest } from './erase';
import type { OperatorDatabases } from './open-databases';
import type { OperatorSession } from './operator-session';

/** A workflow run whose history still has an order's personal data. */
interface RemainingHistory {
  workflowId: string;
  runId: string;
  /** ISO 8601: when Temporal removes it; absent while it runs. */
  removedAt?: string;
}

/** What an erasure cannot reach. */
export interface Remains {
  temporal: TemporalRemains;
  rabbitmq: typeof RABBITMQ_REMAINS;
}

/**
 * Erases, and tells what remains elsewhere. That is found out before anything is blanked: with Temporal
 * away, all of it is to be repeated.
 *
 * @throws ErasureRefused where something of the customer's is not settled; DispatchUnavailable where
 * Temporal cannot be reached.
 */
export async function eraseKnowingRemains(
  services: {
    session: Pick<OperatorSession, 'temporal' | 'connection' | 'namespace'>;
    databases: OperatorDatabases;
  },
  request: ErasureRequest,
): Promise<Erasure & { remains: Remains }> {
  const { session, databases } = services;
  const plan = await eraseCustomer(databases, { ...request, dryRun: true });
  const temporal = await findTemporalRemains(session, plan.orderIds);
  const erasure = request.dryRun ? plan : await eraseCustomer(databases, request);
  return { ...erasure, remains: { temporal, rabbitmq: RABBITMQ_REMAINS } };
}

/** What an erasure cannot reach in Temporal. */
interface TemporalRemains {
  namespace: string;
  /** How long the namespace keeps the history of a workflow after its end, in ms. */
  retentionMs: number;
  /** Whether the namespace archives histories: those stay where its archive says. */
  isArchived: boolean;
  histories: RemainingHistory[];
  /** ISO 8601: when the last of those that have ended is removed; absent where there is none. */
  lastRemovedAt?: string;
}

/** `temporal.api.enums.v1.ArchivalState.ARCHIVAL_STATE_ENABLED` */
const ARCHIVAL_ENABLED = 2;

/** Orders in one query: three workflow IDs each. */
const ORDERS_PER_QUERY = 30;

/**
 * Finds the histories that hold what these orders' workflows were started with: the order itself, or
 * its copy. No workflow's ID, memo or search attribute has personal data.
 *
 * @throws DispatchUnavailable where Temporal cannot be reached.
 */
export async function findTemporalRemains(
  session: Pick<OperatorSession, 'temporal' | 'connection' | 'namespace'>,
  orderIds: readonly string[],
): Promise<TemporalRemains> {
  try {
    return await readRemains(session, orderIds);
  } catch (error) {
    throw translateError(error);
  }
}

async function readRemains(
  session: Pick<OperatorSession, 'temporal' | 'connection' | 'namespace'>,
  orderIds: readonly string[],
): Promise<TemporalRemains> {
  const { temporal, connection, namespace } = session;
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const retentionMs = optionalTsToMs(config?.workflowExecutionRetentionTtl) ?? 0;
  const histories: RemainingHistory[] = [];
  for (let first = 0; first < orderIds.length; first += ORDERS_PER_QUERY) {
    const ids = orderIds.slice(first, first + ORDERS_PER_QUERY).flatMap(workflowIdsOf);
    const query = `WorkflowId IN (${ids.map((id) => `'${id}'`).join(', ')})`;
    for await (const { workflowId, runId, closeTime } of temporal.workflow.list({ query })) {
      const removed = closeTime && new Date(closeTime.getTime() + retentionMs).toISOString();
      histories.push({ workflowId, runId, ...(removed !== undefined && { removedAt: removed }) });
    }
  }
  const lastRemovedAt = histories
    .flatMap(({ removedAt }) => removedAt ?? [])
    .sort()
    .at(-1);
  return {
    namespace,
    retentionMs,
    isArchived: Number(config?.historyArchivalState) === ARCHIVAL_ENABLED,
    histories,
    ...(lastRemovedAt !== undefined && { lastRemovedAt }),
  };
}

/** What an erasure cannot reach in RabbitMQ: each place, and until when it holds what. */
const RABBITMQ_REMAINS: readonly { queue: string; until: string }[] = [
  {
    queue: QUEUES.supplementRequests,
    until:
      'the copy of a request stays until the supplement system has read it: its grace (30 s) after the request, or longer while it is down; it finds the erased order and changes nothing',
  },
  {
    queue: QUEUES.dispatchRequests,
    until: 'a request stays until the dispatch system has read it',
  },
  {
    queue: [QUEUES.dispatchRequests, QUEUES.supplementRequests, QUEUES.acknowledgements]
      .map(deadLetterQueueOf)
      .join(', '),
    until:
      'a dead letter stays until it is drained into the table of dead letters; erase again when it was not empty',
  },
];
