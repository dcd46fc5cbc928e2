import type { EscalationReason } from './status';

/** What a person should know about a human task, in short sentences. */
export interface Guidance {
  /** What has happened. */
  means: string;
  /** Where to look before deciding. */
  checkFirst: string;
  /** What most people decide, and when something else. */
  usualDecision: string;
}

/** Guidance for each escalation reason: `why`, the Web UI's details of a task and docs/operating.md show it. */
export const GUIDANCE: Readonly<Record<EscalationReason, Guidance>> = {
  noAcknowledgement: {
    means: 'The request is in the queue, and the dispatch system did not answer in all attempts.',
    checkFirst: 'Does the dispatch system run, and does `dispatch.requests` have consumers?',
    usualDecision: '`retry` once it answers again; a late answer closes the task by itself.',
  },
  brokerUnavailable: {
    means: 'The request never reached the queue: RabbitMQ did not confirm it in time.',
    checkFirst: 'Is RabbitMQ up, and are its disk and memory alarms off?',
    usualDecision: '`retry` once it is up.',
  },
  databaseUnavailable: {
    means: 'The request never got out: the order database did not answer in time.',
    checkFirst: 'Is the order database up, and does it take connections?',
    usualDecision: '`retry` once it is up.',
  },
  requestFailed: {
    means: 'The request could not be sent, for a cause that nobody foresaw.',
    checkFirst: "What does the worker's log say about this order?",
    usualDecision:
      '`retry` once the cause is mended; `cancel` where the order itself is the cause.',
  },
  deadlinePassed: {
    means: 'No courier was assigned by the time at which the order had to be dispatched.',
    checkFirst: 'Does the customer still want it, and does the dispatch system have couriers?',
    usualDecision: '`retry` if the customer waits, else `cancel`.',
  },
  rejected: {
    means: 'The dispatch system rejected the order.',
    checkFirst: 'What does the rejection code say: is it about the order, or about this moment?',
    usualDecision: '`cancel`; `retry` where the cause has gone.',
  },
  requestDeadLettered: {
    means: 'The dispatch system gave up on the request: it could not read or handle it.',
    checkFirst: 'Which reason does `order-dispatch dead-letters list` name?',
    usualDecision: '`retry` once the dispatch system is mended; it is a new request.',
  },
  withdrawalFailed: {
    means: 'The dispatch system did not answer the withdrawal: a courier may still come.',
    checkFirst: 'Does the dispatch system run, and does `dispatch.requests` have consumers?',
    usualDecision: '`retry` once it answers again; a late answer closes the task by itself.',
  },
  courierToCallOff: {
    means: 'The order is being cancelled, and a person had sent its courier by other means.',
    checkFirst: 'Call that courier: can they turn back?',
    usualDecision: '`calledOff` if they turn back, else `tooLate`.',
  },
  discrepancy: {
    means: 'The two databases disagree about the order, and no rule may decide.',
    checkFirst: 'Which of them is right: does a courier deliver it, and does the customer wait?',
    usualDecision: '`withdraw` a courier whom nobody needs; `restart` an order that needs one.',
  },
  unhealthy: {
    means: 'A health check found something about the service that a person must mend.',
    checkFirst: 'What does `order-dispatch health` say?',
    usualDecision: 'None: mend it, and the next check closes the task.',
  },
};

/** Guidance as lines of Markdown, without the decisions' examples. */
export function guidanceLines(escalationReason: EscalationReason): string[] {
  const { means, checkFirst, usualDecision } = GUIDANCE[escalationReason];
  return [
    `- What it means: ${means}`,
    `- Check first: ${checkFirst}`,
    `- Usual decision: ${usualDecision}`,
  ];
}
