/** How bad a finding is: of a `critical` one a human task is opened. */
export type HealthSeverity = 'warning' | 'critical';

/** What a health check can find, with how bad it is and what one does about it. */
const HEALTH_FINDINGS = {
  brokerUnavailable: {
    severity: 'critical',
    whatToDo: 'bring RabbitMQ back: nothing is lost meanwhile, requests wait',
  },
  brokerAlarm: {
    severity: 'critical',
    whatToDo: 'free disk or memory of the broker: it takes no message meanwhile, and requests wait',
  },
  publishersBlocked: {
    severity: 'warning',
    whatToDo: 'free disk or memory of the broker: it takes nothing from who is connected so',
  },
  bindingMissing: {
    severity: 'critical',
    whatToDo:
      'whoever publishes declares it again within a minute; find out who removed it, and run order-dispatch sweep',
  },
  noConsumer: {
    severity: 'critical',
    whatToDo: 'start the process that consumes the queue, or look at its log',
  },
  requestsHeld: {
    severity: 'warning',
    whatToDo: 'order-dispatch release, once the cause is gone',
  },
  releaseUnfinished: {
    severity: 'critical',
    whatToDo: 'order-dispatch release: it goes on where the last one ended',
  },
  queueBacklog: {
    severity: 'warning',
    whatToDo: 'look whether its consumers keep up; start more of them',
  },
  openDeadLetters: {
    severity: 'critical',
    whatToDo: 'order-dispatch dead-letters list; mend the cause, then replay or discard them',
  },
  dispatchDatabaseUnavailable: {
    severity: 'critical',
    whatToDo: 'bring the dispatch database back, or its view order_dispatch_dispatches_v1',
  },
  connectionsScarce: {
    severity: 'warning',
    whatToDo: 'let the database take more connections, or find out who holds so many',
  },
  pendingMigrations: {
    severity: 'critical',
    whatToDo: 'order-dispatch setup migrate',
  },
  ordersOverdue: {
    severity: 'critical',
    whatToDo: 'order-dispatch sweep; then look at those that are left: order-dispatch show ORDER',
  },
  workflowsStuck: {
    severity: 'critical',
    whatToDo: "look at the workers' logs: a workflow task fails again and again",
  },
  tasksOverdue: {
    severity: 'warning',
    whatToDo: 'order-dispatch tasks list, and decide',
  },
  copiesBehind: {
    severity: 'warning',
    whatToDo: 'look whether the supplement systems keep up; start more of them',
  },
  repairsFailing: {
    severity: 'warning',
    whatToDo: 'order-dispatch repairs list --done nothing',
  },
  eventsBehind: {
    severity: 'critical',
    whatToDo:
      'look whether a worker runs and reaches the broker: it relays the events; one with a refusal waits for you (docs/events.md)',
  },
  eventsRefused: {
    severity: 'warning',
    whatToDo:
      'find the full queue on order-dispatch.events, and read or delete it (rabbitmqctl list_queues name messages)',
  },
} as const satisfies Readonly<Record<string, { severity: HealthSeverity; whatToDo: string }>>;

/** What a health check can find. */
export type HealthCode = keyof typeof HEALTH_FINDINGS;

/** Something that is not as it should be. */
export interface HealthFinding {
  code: HealthCode;
  severity: HealthSeverity;
  /** What is so, with its numbers; no personal data. */
  what: string;
  whatToDo: string;
  /** Orders or workflows that it is about, a few of them. */
  examples?: string[];
}

interface Used {
  used: number;
  maximum: number;
}

/** What was counted and timed; absent where it was not checked. */
export interface HealthFigures {
  /** Orders that are not final, by status. */
  orders?: Record<string, number>;
  /** Open human tasks, by escalation reason. */
  openTasks?: Record<string, number>;
  openDeadLetters?: number;
  /** Orders that a hold keeps at home, or whose release is under way. */
  held?: number;
  /** Messages and consumers, by queue. */
  queues?: Record<string, { messages: number; consumers: number }>;
  /** Connections of each database's clients, and how many it takes. */
  connections?: { orders?: Used; dispatch?: Used };
  /** How late copies are compared, in ms; absent where there were none of late. */
  copyLagMs?: number;
  /** From placing to the applied answer, over the last minutes, in ms. */
  acknowledgementMs?: { p50: number; p99: number; answers: number };
  /** Age of the oldest event that is not sent, in ms. */
  eventsBehindMs?: number;
  /** Events that the broker refused, and that are tried again. */
  eventsRefused?: number;
}

/** What one health check saw. */
export interface HealthReport {
  /** ISO 8601. */
  at: string;
  /** The worst first. */
  findings: HealthFinding[];
  figures: HealthFigures;
  /** What could not be looked at, and why. */
  notChecked: { what: string; why: string }[];
}

/** What a process knows of a report: all of it, or from hearsay when it was made. */
export type KnownReport = Pick<HealthReport, 'at'> & Partial<HealthReport>;

/** How often health is checked, in ms. */
export const HEALTH_CHECK_EVERY_MS = 60_000;

/** A report that is older is stale: nobody checks any more, in ms. */
export const HEALTH_STALE_AFTER_MS = 5 * HEALTH_CHECK_EVERY_MS;

/**
 * Makes a finding.
 *
 * @param more.instead of what one does about most of its kind.
 */
export function healthFinding(
  code: HealthCode,
  what: string,
  { examples, instead }: { examples?: readonly string[]; instead?: string } = {},
): HealthFinding {
  const { severity, whatToDo } = HEALTH_FINDINGS[code];
  return {
    ...{ code, severity, what, whatToDo: instead ?? whatToDo },
    ...(examples?.length && { examples: [...examples] }),
  };
}
