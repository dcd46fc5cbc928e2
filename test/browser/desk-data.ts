import type {
  AuditRow,
  BulkDetail,
  DeadLetterShown,
  HealthPoint,
  OrderDetail,
  OrderRow,
  OrderTimeline,
  RepairRow,
  TaskRow,
  TimelineItem,
} from '../../console/api/contract';
import type { Decision } from '../../domain/decisions';
import { decisionsFor } from '../../domain/decisions';
import type { EscalationReason } from '../../domain/status';

const MINUTE = 60_000;

/** Made-up numbers that are the same each time. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomOf(7);
const start = Date.now();

export function ago(minutes: number): string {
  return new Date(start - minutes * MINUTE).toISOString();
}

/** How often each reason comes, in a night with an outage. */
const REASONS: readonly [EscalationReason, number][] = [
  ['noAcknowledgement', 0.62],
  ['brokerUnavailable', 0.2],
  ['rejected', 0.08],
  ['deadlinePassed', 0.05],
  ['requestDeadLettered', 0.02],
  ['discrepancy', 0.012],
  ['withdrawalFailed', 0.01],
  ['courierToCallOff', 0.008],
];

const PEOPLE = ['mira.okafor', 'jonas.weber', 'lena.petrova'];

/** Open human tasks, as an API lists them: by reason, then what is due first. */
export function someTasks(count: number): TaskRow[] {
  const tasks = Array.from({ length: count }, (_each, index) => someTask(index + 1));
  if (count > 20) tasks.push(healthTask());
  return tasks.sort(
    (left, right) =>
      left.escalationReason.localeCompare(right.escalationReason) ||
      left.dueAt.localeCompare(right.dueAt),
  );
}

export function someTask(n: number, openedMinutesAgo = 2 + random() * 360): TaskRow {
  let left = random();
  const [escalationReason] = REASONS.find(([, share]) => (left -= share) < 0) ??
    REASONS[0] ?? ['rejected' as const];
  const orderId = `o-2611-${String(n).padStart(5, '0')}`;
  const isFinding = escalationReason === 'discrepancy';
  const isClaimed = random() < 0.06;
  const isSnoozed = random() < 0.02;
  return {
    taskId: `${isFinding ? 'reconcile-order' : 'dispatch-order'}/${orderId}`,
    openedAt: ago(openedMinutesAgo),
    kind: isFinding
      ? 'discrepancy'
      : escalationReason === 'withdrawalFailed'
        ? 'withdrawal'
        : 'order',
    orderId,
    restaurantId: `r-${100 + Math.floor(random() * 60)}`,
    escalationReason,
    dueAt: ago(openedMinutesAgo - 60),
    overdueAt: ago(openedMinutesAgo - 240),
    claimedBy: isClaimed ? (PEOPLE[Math.floor(random() * PEOPLE.length)] ?? null) : null,
    claimedUntil: isClaimed ? ago(-9) : null,
    snoozedUntil: isSnoozed ? ago(-45) : null,
  };
}

function healthTask(): TaskRow {
  return {
    ...someTask(0, 18),
    taskId: 'service-health/noConsumer',
    kind: 'health',
    orderId: null,
    restaurantId: null,
    escalationReason: 'unhealthy',
    claimedBy: null,
    claimedUntil: null,
  };
}

/** The JSON schemas of the decisions that a task takes. */
export function decisionSchemas(reason: EscalationReason) {
  const note = {
    type: 'string',
    minLength: 1,
    maxLength: 2_000,
    description: 'Why; others read it',
  };
  return decisionsFor(reason).map((decision: Decision) => ({
    decision,
    schema: {
      type: 'object',
      properties: {
        decision: { const: decision },
        ...(decision === 'markDispatched' && {
          courierId: {
            type: 'string',
            minLength: 1,
            maxLength: 128,
            description: 'Who delivers it',
          },
        }),
        note,
      },
      required:
        decision === 'markDispatched' ? ['decision', 'courierId', 'note'] : ['decision', 'note'],
    },
  }));
}

export function someTimeline(
  orderId: string,
  openedAt: string,
  reason: EscalationReason,
): OrderTimeline {
  const opened = Date.parse(openedAt);
  const at = (beforeMs: number) => new Date(opened - beforeMs).toISOString();
  const requestId = `${orderId}.1`;
  const temporal = 'temporal' as const;
  const database = 'orderDatabase' as const;
  const attempt = (n: number, beforeMs: number): TimelineItem[] => [
    { at: at(beforeMs), what: 'requested', from: temporal, requestId, attempt: n },
    { at: at(beforeMs - 40), what: 'confirmed', from: temporal, requestId },
  ];
  const tried =
    reason === 'rejected'
      ? [
          ...attempt(1, 60_000),
          {
            at: at(800),
            what: 'acknowledged' as const,
            from: database,
            requestId,
            outcome: 'rejected',
            class: 'first',
            rejectionCode: 'restaurantClosed',
          },
        ]
      : [...attempt(1, 240_000), ...attempt(2, 178_000), ...attempt(3, 61_000)];
  return {
    orderId,
    status: 'escalated',
    entries: [
      { at: at(240_200), what: 'placed', from: database },
      ...tried,
      { at: at(0), what: 'escalated', from: database, escalationReason: reason },
      {
        at: at(-95_000),
        what: 'acted',
        from: database,
        act: 'note',
        actor: 'mira.okafor',
        via: 'web',
        note: 'The dispatch team restarts its consumers.',
      },
    ],
    isFinal: false,
    notKnown: [],
  };
}

export function someOrder(orderId: string): OrderDetail {
  const placedAt = ago(84);
  return {
    orderId,
    order: {
      orderId,
      customerId: 'c-70421',
      restaurantId: 'r-117',
      deliveryAddress: { line: 'Lindenallee 12, 3rd floor', city: 'Leipzig', postcode: '04109' },
      items: [
        { sku: 'margherita-32', quantity: 2, unitPriceMinor: 1_150 },
        { sku: 'tiramisu', quantity: 1, unitPriceMinor: 620 },
        { sku: 'lemonade-05', quantity: 3, unitPriceMinor: 340 },
      ],
      currency: 'EUR',
      placedAt,
      note: 'Please ring twice.',
    },
    row: {
      status: 'escalated',
      requestNumber: 1,
      attempts: 3,
      dispatchBy: ago(-36),
      courierId: null,
      dispatchedBy: null,
      rejectionCode: null,
      decision: null,
      decidedBy: null,
      decisionNote: null,
      decidedAt: null,
      createdAt: placedAt,
      updatedAt: ago(80),
      erasedAt: null,
    },
    dispatch: { orderId, requestId: `${orderId}.1`, courierId: 'courier-88', status: 'live' },
    view: { orderId, status: 'escalated', attempts: 3, resolvedBy: null },
    tasks: [],
  };
}

export function someOrderRows(count: number): OrderRow[] {
  const statuses = [
    'dispatched',
    'dispatched',
    'placed',
    'escalated',
    'cancelled',
    'cancelling',
  ] as const;
  return Array.from({ length: count }, (_each, index) => {
    const status = statuses[index % statuses.length] ?? 'placed';
    return {
      orderId: `o-2611-${String(index + 1).padStart(5, '0')}`,
      status,
      restaurantId: `r-${100 + (index % 60)}`,
      attempts: status === 'escalated' ? 3 : 1,
      escalationReason: status === 'escalated' ? 'noAcknowledgement' : null,
      courierId: status === 'dispatched' ? `courier-${index % 97}` : null,
      placedAt: ago(300 - index / 10),
      updatedAt: ago(200 - index / 10),
      dispatchBy: ago(100 - index / 10),
    };
  });
}

export function someDeadLetters(): DeadLetterShown[] {
  const kinds = [
    ['dispatch.requests', 'no handler answered in 5 attempts', 18],
    ['order-dispatch.acknowledgements', 'malformed: outcome is missing', 4],
    ['supplement.requests', 'malformed: copy has no order', 2],
  ] as const;
  let id = 0;
  return kinds.flatMap(([sourceQueue, deadLetterReason, count]) =>
    Array.from({ length: count }, () => {
      id += 1;
      const orderId = `o-2611-${String(id * 7).padStart(5, '0')}`;
      const content = JSON.stringify(
        { requestId: `${orderId}.1`, orderId, order: { restaurantId: 'r-117' } },
        null,
        2,
      );
      return {
        id: String(id),
        sourceQueue,
        messageId: `0193a2c4-77aa-7000-8000-${String(id).padStart(12, '0')}`,
        type: 'dispatch.request.v1',
        appId: 'order-dispatch',
        orderId,
        deadLetterReason,
        attempts: 5,
        firstFailedAt: ago(70 + id),
        lastFailedAt: ago(20 + id),
        state: 'open' as const,
        decidedBy: null,
        decisionNote: null,
        decidedAt: null,
        createdAt: ago(20 + id),
        properties: { correlationId: orderId },
        headers: { 'x-attempts': 5 },
        content,
        contentBytes: content.length,
        contentEncoding: 'utf8' as const,
      };
    }),
  );
}

export function someRepairs(): RepairRow[] {
  const done = ['restarted', 'withdrawn', 'nothing', 'kept'] as const;
  return Array.from({ length: 24 }, (_each, index) => {
    const orderId = `o-2611-${String(index * 13 + 5).padStart(5, '0')}`;
    const what = done[index % done.length] ?? 'nothing';
    return {
      id: String(24 - index),
      orderId,
      found:
        what === 'withdrawn'
          ? 'the order is cancelled, but a courier is on the way'
          : 'the order waits, and its workflow is gone',
      done: what,
      provenance: `message ${orderId}.1`,
      runId: `0193a2c4/${index}`,
      createdAt: ago(12 + index * 9),
      before: {
        order: { status: what === 'withdrawn' ? 'cancelled' : 'placed', contentHash: '9f2c41d0aa' },
        dispatch: { status: 'live', courierId: 'courier-88', requestId: `${orderId}.1` },
        workflow: 'ended',
        trigger: 'request',
        copy: { contentHash: '9f2c41d0aa', isOurs: true },
      },
      after: {
        order: { status: what === 'withdrawn' ? 'cancelled' : 'placed', contentHash: '9f2c41d0aa' },
        dispatch:
          what === 'withdrawn'
            ? { status: 'withdrawn' }
            : { status: 'live', courierId: 'courier-88', requestId: `${orderId}.1` },
        workflow: what === 'restarted' ? 'running' : 'ended',
        trigger: 'request',
      },
      ...(what === 'kept' && { actor: 'lena.petrova', note: 'The courier confirmed by phone.' }),
    };
  });
}

export function someAudit(): AuditRow[] {
  const acts = ['resolve', 'claim', 'note', 'bulk', 'replay', 'hold', 'releaseHold', 'cancel'];
  return Array.from({ length: 30 }, (_each, index) => ({
    id: String(30 - index),
    at: ago(3 + index * 7),
    act: acts[index % acts.length] ?? 'resolve',
    actor: PEOPLE[index % PEOPLE.length] ?? 'mira.okafor',
    via: index % 3 === 0 ? 'cli' : 'web',
    note: index % 4 === 1 ? null : 'The dispatch system is back; retried.',
    orderId: index % 8 < 3 ? `o-2611-${String(index * 3 + 1).padStart(5, '0')}` : null,
    taskId: null,
    decision: index % 8 === 0 ? 'retry' : null,
    facts: index % 8 === 3 ? { tasks: 50 } : null,
  }));
}

export function someHistory(sinceMs: number): HealthPoint[] {
  const points = 240;
  return Array.from({ length: points }, (_each, index) => {
    const at = sinceMs + ((Date.now() - sinceMs) * index) / (points - 1);
    const outage = Math.exp(-(((index - 160) / 26) ** 2));
    const wave = 1 + 0.25 * Math.sin(index / 17);
    return {
      at: new Date(at).toISOString(),
      findings: { critical: outage > 0.5 ? 2 : 0, warning: outage > 0.2 ? 1 : 0 },
      figures: {
        orders: {
          placed: Math.round(40 * wave + 900 * outage),
          escalated: Math.round(12 + 600 * outage * wave),
          cancelling: Math.round(3 * wave),
        },
        openTasks: {
          noAcknowledgement: Math.round(8 + 480 * outage),
          brokerUnavailable: Math.round(2 + 120 * outage),
          rejected: Math.round(4 * wave),
        },
        openDeadLetters: Math.round(40 * outage),
        queues: {
          'dispatch.requests': {
            messages: Math.round(1_200 * outage),
            consumers: outage > 0.6 ? 0 : 2,
          },
          'supplement.requests': { messages: Math.round(30 * outage), consumers: 1 },
          'order-dispatch.acknowledgements': { messages: Math.round(8 * wave), consumers: 2 },
        },
        acknowledgementMs: {
          p50: Math.round(42 * wave + 400 * outage),
          p99: Math.round(310 * wave + 9_000 * outage),
          answers: 900,
        },
      },
    };
  });
}

export function someBulk(): BulkDetail[] {
  return [
    {
      run: {
        id: 1,
        actor: 'jonas.weber',
        via: 'web',
        note: 'The broker is back.',
        decision: 'retry',
        filter: { reason: 'brokerUnavailable' },
        ratePerSecond: 20,
        state: 'done',
        createdAt: ago(190),
        endedAt: ago(188),
        abortedBy: null,
        abortNote: null,
      },
      counts: { pending: 0, resolved: 48, refused: 2, failed: 0, skipped: 0 },
      rows: [4, 19].map((n) => ({
        n,
        taskId: `dispatch-order/o-2611-0${n}99`,
        openedAt: ago(220),
        orderId: `o-2611-0${n}99`,
        escalationReason: 'brokerUnavailable',
        state: 'refused',
        outcome: 'no human task is open any more: a late answer closed it',
        endedAt: ago(189),
      })),
    },
  ];
}
