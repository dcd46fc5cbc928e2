import type { Client } from '@temporalio/client';
import type { DispatchView } from '../database/dispatch/dispatch-view';
import { findDispatchRows, readDispatchConnections } from '../database/dispatch/dispatch-view';
import type { OrdersDatabase } from '../database/orders/connection';
import {
  countFailedRepairs,
  countOverdueTasks,
  findLastHealthReport,
  findOverdueOrders,
  readHealthFigures,
  readOrdersConnections,
  type OverdueOrder,
} from '../database/orders/health';
import { findHold } from '../database/orders/holds';
import { listHumanTasks } from '../database/orders/human-tasks';
import { pendingMigrations } from '../database/migrate';
import { QUEUES, deadLetterQueueOf } from '../domain/amqp-names';
import { defined } from '../domain/defined';
import {
  healthFinding,
  type HealthFigures,
  type HealthFinding,
  type HealthReport,
} from '../domain/health';
import { dispatchOrderWorkflowId, releaseHoldWorkflowId } from '../domain/temporal-names';
import { readManagement } from '../messaging/management';
import { readQueueDepths } from '../messaging/queue-depths';
import type { Logger } from '../runtime/logger';
import { findWorkflowStatus, ifFound } from '../temporal/order-workflows';

/** What a health check looks at. */
export interface HealthDependencies {
  orders: OrdersDatabase;
  ordersDatabaseUrl: string;
  dispatchView: DispatchView;
  amqpUrl: string;
  /** Without it, bindings and alarms are not checked. */
  rabbitmqManagementUrl?: string;
  temporal: Client;
  /** How late copies are compared of late, in ms. */
  copyLagMs: () => number | undefined;
  log: Logger;
}

/** How far past its deadline an order may be before somebody should have escalated it, in ms. */
const OVERDUE_GRACE_MS = 2 * 60_000;

/** Messages that wait in a queue before that is a finding. */
const BACKLOG = 1_000;

/** Of the connections that a database takes, how many may be in use before that is a finding. */
const SCARCE = 0.9;

/** How late a copy may be compared, in ms. */
const COPIES_BEHIND_MS = 60_000;

/** How old the oldest event that is not sent may be, in ms. */
const EVENTS_BEHIND_MS = 60_000;

/** Failures of a workflow's task in a row: it is stuck. */
const STUCK_ATTEMPTS = 3;

/** Workflows that are looked at closer in one check. */
const LOOKED_AT = 20;

/** What one part of the check sees. */
interface Seen {
  findings: HealthFinding[];
  figures?: HealthFigures;
}

/**
 * Looks at all that the service stands on. What cannot be looked at is said, and hides nothing else.
 *
 * @throws where the order database does not answer: without it there is no report.
 */
export async function checkHealth(dependencies: HealthDependencies): Promise<HealthReport> {
  const { orders } = dependencies;
  const at = new Date().toISOString();
  const overdue = await findOverdueOrders(orders, { graceMs: OVERDUE_GRACE_MS, limit: LOOKED_AT });
  const notChecked: HealthReport['notChecked'] = [];
  const parts: Record<string, () => Promise<Seen>> = {
    'the order database': () => checkOrders(orders, overdue),
    'the dispatch database': () => checkDispatchView(dependencies.dispatchView),
    'the connections of the databases': () => checkConnections(dependencies),
    'the copies': () => Promise.resolve(checkCopies(dependencies)),
    'the broker': () => checkBroker(dependencies),
    'bindings and alarms': () => checkManagement(dependencies),
    'the hold': () => checkHold(dependencies),
    'the migrations': () => checkMigrations(dependencies),
    'the workflows': () => checkWorkflows(dependencies, overdue),
  };
  const seen = await Promise.all(
    Object.entries(parts).map(async ([what, look]): Promise<Seen> => {
      try {
        return await look();
      } catch (error) {
        notChecked.push({ what, why: error instanceof Error ? error.message : String(error) });
        return { findings: [] };
      }
    }),
  );
  const findings = seen.flatMap((part) => part.findings);
  return {
    at,
    findings: findings.sort((one, other) => rank(one) - rank(other)),
    figures: Object.assign({}, ...seen.map((part) => part.figures ?? {})) as HealthFigures,
    notChecked,
  };
}

function rank({ severity }: HealthFinding): number {
  return severity === 'critical' ? 0 : 1;
}

async function checkOrders(orders: OrdersDatabase, overdue: OverdueOrder[]): Promise<Seen> {
  const [figures, overdueTasks, failedRepairs] = await Promise.all([
    readHealthFigures(orders),
    countOverdueTasks(orders),
    countFailedRepairs(orders),
  ]);
  const { openDeadLetters = 0, eventsBehindMs = 0, eventsRefused = 0 } = figures;
  const findings: HealthFinding[] = [];
  if (overdue.length > 0) {
    const many = overdue.length === LOOKED_AT ? `${LOOKED_AT} or more` : String(overdue.length);
    findings.push(
      healthFinding(
        'ordersOverdue',
        `${many} orders are past their deadline, and nobody was asked about them`,
        { examples: overdue.map(({ orderId }) => orderId) },
      ),
    );
  }
  if (overdueTasks > 0) {
    findings.push(healthFinding('tasksOverdue', `${overdueTasks} human tasks are overdue`));
  }
  if (openDeadLetters > 0) {
    findings.push(
      healthFinding('openDeadLetters', `${openDeadLetters} dead letters wait for a decision`),
    );
  }
  if (failedRepairs > 0) {
    const what = `${failedRepairs} reconciliations of the last hour could mend nothing`;
    findings.push(healthFinding('repairsFailing', what));
  }
  if (eventsBehindMs > EVENTS_BEHIND_MS) {
    const what = `the oldest event that is not sent waits for ${Math.round(eventsBehindMs / 1_000)} s`;
    findings.push(healthFinding('eventsBehind', what));
  }
  if (eventsRefused > 0) {
    const what = `the broker refuses ${eventsRefused} events: a queue that they go to is full`;
    findings.push(healthFinding('eventsRefused', what));
  }
  return { findings, figures };
}

async function checkDispatchView(view: DispatchView): Promise<Seen> {
  try {
    await findDispatchRows(view, ['health-check']);
    return { findings: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { findings: [healthFinding('dispatchDatabaseUnavailable', why)] };
  }
}

async function checkConnections({ orders, dispatchView }: HealthDependencies): Promise<Seen> {
  const connections = {
    orders: await readOrdersConnections(orders),
    // Where it is away, that is found, and the other one is told all the same.
    ...defined({ dispatch: await readDispatchConnections(dispatchView).catch(() => undefined) }),
  };
  const scarce = Object.entries(connections).filter(
    ([, { used, maximum }]) => used >= SCARCE * maximum,
  );
  return {
    findings: scarce.map(([database, { used, maximum }]) =>
      healthFinding(
        'connectionsScarce',
        `${used} of ${maximum} connections of the ${database} database are in use`,
      ),
    ),
    figures: { connections },
  };
}

function checkCopies({ copyLagMs }: HealthDependencies): Seen {
  const lagMs = copyLagMs();
  if (lagMs === undefined) return { findings: [] };
  const figures = { copyLagMs: lagMs };
  if (lagMs < COPIES_BEHIND_MS) return { findings: [], figures };
  const what = `copies are compared ${Math.round(lagMs / 1_000)} s later than they should be`;
  return { findings: [healthFinding('copiesBehind', what)], figures };
}

/** What one does where the dispatch system has been away for a minute. */
const HOLD_MEANWHILE =
  'start the dispatch system; where that takes long: `order-dispatch hold`, so that orders wait for it and do not become human tasks';

/** Queues that something of ours or of the dispatch system reads all the time. */
const CONSUMED = [
  ...Object.values(QUEUES),
  ...Object.values(QUEUES).map((queue) => deadLetterQueueOf(queue)),
];

async function checkBroker({ orders, amqpUrl, log }: HealthDependencies): Promise<Seen> {
  const before = await findLastHealthReport(orders);
  let queues: Awaited<ReturnType<typeof readQueueDepths>>;
  try {
    queues = await readQueueDepths({ url: amqpUrl, name: 'health check', log }, CONSUMED);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { findings: [healthFinding('brokerUnavailable', why)] };
  }
  const findings = Object.entries(queues).flatMap(([queue, { messages, consumers }]) => {
    if (consumers === 0) {
      const what = `nobody consumes ${queue}; ${messages} messages wait`;
      const wasSo = before?.figures.queues?.[queue]?.consumers === 0;
      // Said before there are a thousand human tasks.
      const instead = queue === QUEUES.dispatchRequests && wasSo ? HOLD_MEANWHILE : undefined;
      return [healthFinding('noConsumer', what, defined({ instead }))];
    }
    if (messages < BACKLOG) return [];
    return [healthFinding('queueBacklog', `${messages} messages wait in ${queue}`)];
  });
  return { findings, figures: { queues } };
}

async function checkManagement({
  amqpUrl,
  rabbitmqManagementUrl: managementUrl,
}: HealthDependencies): Promise<Seen> {
  if (managementUrl === undefined) throw new Error('RABBITMQ_MANAGEMENT_URL is not set');
  const insight = await readManagement({ managementUrl, amqpUrl });
  const { missingBindings, alarms, blockedConnections } = insight;
  const blocked = `${blockedConnections.length} connections are blocked: ${blockedConnections.join(', ')}`;
  return {
    findings: [
      ...(blockedConnections.length > 0 ? [healthFinding('publishersBlocked', blocked)] : []),
      ...alarms.map((alarm) => healthFinding('brokerAlarm', `RabbitMQ is out of ${alarm}`)),
      ...missingBindings.map((binding) =>
        healthFinding('bindingMissing', `there is no ${binding}`),
      ),
    ],
  };
}

async function checkMigrations({ ordersDatabaseUrl }: HealthDependencies): Promise<Seen> {
  const pending = await pendingMigrations({ url: ordersDatabaseUrl, schema: 'orders' });
  if (pending.length === 0) return { findings: [] };
  const what = `the order database lacks ${pending.join(', ')}`;
  return { findings: [healthFinding('pendingMigrations', what)] };
}

/** Whether requests are held, and whether a release has stopped half-way. */
async function checkHold({ orders, temporal }: HealthDependencies): Promise<Seen> {
  const held = await findHold(orders);
  if (!held) return { findings: [] };
  const { hold, waiting } = held;
  const figures = { held: waiting };
  const by = `${hold.heldBy} since ${hold.heldAt.toISOString()}`;
  if (!hold.endedAt) {
    const what = `requests are held by ${by}; ${waiting} orders wait: ${hold.note}`;
    return { findings: [healthFinding('requestsHeld', what)], figures };
  }
  const release = await findWorkflowStatus(temporal, releaseHoldWorkflowId(hold.id));
  if (release === 'RUNNING' || release === 'PAUSED') return { findings: [], figures };
  const what = `the hold of ${by} has ended, and ${waiting} orders still wait for their release`;
  return { findings: [healthFinding('releaseUnfinished', what)], figures };
}

/** Asks Temporal about what waits longest: does a workflow's task fail again and again? */
async function checkWorkflows(
  { orders, temporal }: HealthDependencies,
  overdue: OverdueOrder[],
): Promise<Seen> {
  const tasks = await listHumanTasks(orders, { filter: {}, limit: LOOKED_AT });
  const workflowIds = [
    ...overdue.map(({ orderId }) => dispatchOrderWorkflowId(orderId)),
    ...tasks.filter(({ kind }) => kind !== 'health').map(({ taskId }) => taskId),
  ];
  const stuck = await Promise.all(
    [...new Set(workflowIds)].map(async (workflowId) => {
      const found = await ifFound(() => temporal.workflow.getHandle(workflowId).describe());
      const attempt = found?.raw.pendingWorkflowTask?.attempt ?? 0;
      return attempt >= STUCK_ATTEMPTS ? [workflowId] : [];
    }),
  );
  const ids = stuck.flat();
  if (ids.length === 0) return { findings: [] };
  const what = `the task of ${ids.length} workflows fails again and again`;
  return { findings: [healthFinding('workflowsStuck', what, { examples: ids })] };
}
