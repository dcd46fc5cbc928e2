import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { HEALTH_STALE_AFTER_MS, type KnownReport } from '../domain/health';

/**
 * What a process of ours counts, in Prometheus' words; docs/metrics.md explains each. A registry of our
 * own: an order service that embeds the worker has its own.
 */
const registry = new Registry();

const PREFIX = 'order_dispatch_';

function counter<Label extends string>(
  name: string,
  help: string,
  labelNames: Label[],
): Counter<Label> {
  return new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [registry] });
}

function gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []) {
  return new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers: [registry] });
}

/** Messages that a consumer is done with, by queue and `result`: `acked` or `deadLettered`. */
export const consumedMessages = counter('consumed_messages_total', 'Messages that are done with', [
  'queue',
  'result',
]);

/** Tries of messages that failed, by queue and `fault`: `message`, `infrastructure` or `unclear`. */
export const failedTries = counter('failed_tries_total', 'Tries of messages that failed', [
  'queue',
  'fault',
]);

/** Publishes, by `result`: `confirmed`, `unroutable` or `unconfirmed`. */
export const publishes = counter('publishes_total', 'Messages that were published', ['result']);

/** Answers of the dispatch system that were recorded, by class. */
export const acknowledgements = counter('acknowledgements_total', 'Answers that were recorded', [
  'class',
]);

const ready = gauge('ready', 'Whether the process can do its work');
const reportAge = gauge('health_report_age_seconds', 'Age of the last health report');
const findings = gauge('health_findings', 'What the last health check found', ['code', 'severity']);
const orders = gauge('orders', 'Orders that are not final', ['status']);
const openTasks = gauge('open_human_tasks', 'Open human tasks', ['escalation_reason']);
const openDeadLetters = gauge('open_dead_letters', 'Dead letters that wait for a decision');
const heldOrders = gauge('held_orders', 'Orders that a hold keeps at home');
const queueMessages = gauge('queue_messages', 'Messages that wait in a queue', ['queue']);
const queueConsumers = gauge('queue_consumers', 'Consumers of a queue', ['queue']);
const answerSeconds = gauge('acknowledgement_seconds', 'From placing an order to its answer', [
  'quantile',
]);
const connectionsUsed = gauge('database_connections', 'Connections of a database that are in use', [
  'database',
]);
const copyLag = gauge('copy_lag_seconds', 'How late copies are compared');
const eventsBehind = gauge('events_behind_seconds', 'Age of the oldest event that is not sent');

/** Begins to count what Node says of itself, too: memory, event loop, garbage collection. */
export function countProcess(): void {
  collectDefaultMetrics({ register: registry });
}

/** All metrics as text, as Prometheus scrapes it. */
export async function metricsText(isReady: boolean): Promise<string> {
  ready.set(isReady ? 1 : 0);
  return registry.metrics();
}

/** Shows the figures of the last health report; its age alone where it is stale, or they are not known. */
export function showReport(report: KnownReport | undefined, ageMs: number): void {
  const shown = [findings, orders, openTasks, openDeadLetters, heldOrders, queueMessages];
  const more = [queueConsumers, connectionsUsed, copyLag, answerSeconds, eventsBehind];
  for (const each of [...shown, ...more]) each.reset();
  reportAge.set(ageMs / 1_000);
  if (!report?.figures || ageMs > HEALTH_STALE_AFTER_MS) return;
  for (const { code, severity } of report.findings ?? []) findings.inc({ code, severity });
  const { figures } = report;
  for (const [status, count] of entries(figures.orders)) orders.set({ status }, count);
  for (const [reason, count] of entries(figures.openTasks)) {
    openTasks.set({ escalation_reason: reason }, count);
  }
  for (const [queue, { messages, consumers }] of entries(figures.queues)) {
    queueMessages.set({ queue }, messages);
    queueConsumers.set({ queue }, consumers);
  }
  for (const [database, { used }] of entries(figures.connections)) {
    connectionsUsed.set({ database }, used);
  }
  if (figures.copyLagMs !== undefined) copyLag.set(figures.copyLagMs / 1_000);
  openDeadLetters.set(figures.openDeadLetters ?? 0);
  heldOrders.set(figures.held ?? 0);
  eventsBehind.set((figures.eventsBehindMs ?? 0) / 1_000);
  const { p50, p99 } = figures.acknowledgementMs ?? {};
  if (p50 !== undefined) answerSeconds.set({ quantile: '0.5' }, p50 / 1_000);
  if (p99 !== undefined) answerSeconds.set({ quantile: '0.99' }, p99 / 1_000);
}

function entries<Value>(byName: Record<string, Value> = {}): [string, Value][] {
  return Object.entries(byName);
}
