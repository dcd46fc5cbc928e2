import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import { dispatchOrderWorkflowId, orderIdOfWorkflow } from '../domain/temporal-names';
import { query } from '../stack/servers/query';
import { workflowBundlePath } from '../worker/workflow-bundle';
import { behaviourOf } from './behaviour';
import { gather, type Facts, type OrderRow, type Witness } from './facts';

/** What was looked at from outside, and who breaks it. */
export interface Check {
  /** Of ARCHITECTURE.md's invariants. */
  id: string;
  what: string;
  /** How many were looked at. */
  looked: number;
  /** Each with why; none where it holds. */
  offenders: { orderId?: string; why: string }[];
}

/** Histories that are replayed: the longest, where there is most to go wrong. */
const REPLAYED = 25;

/** How many orders' results are asked for at once. */
const AT_ONCE = 10;

/** Looks from outside, at databases, broker and Temporal, whether what must hold holds. */
export async function checkAll(witness: Witness): Promise<Check[]> {
  const facts = await gather(witness);
  return [
    everyOrderEnds(facts),
    atMostOneCourier(facts),
    noCourierWithoutOrder(facts),
    dispatchedMeansAccepted(facts),
    answersAreRecorded(facts),
    answersAreStored(facts),
    cancelledIsFinal(facts),
    await nothingIsLeft(facts),
    contentsAreKept(facts),
    await oneResolutionWins(facts),
    await resultsAreRows(facts),
    await historiesReplay(facts),
    await isBounded(facts),
    await eventsTellTheEnd(facts),
    whatCustomersHeard(facts),
  ];
}

function everyOrderEnds({ customers, rows, asked }: Facts): Check {
  const offenders = [...customers.placed.keys()].flatMap((orderId) => {
    const status = rows.get(orderId)?.status;
    if (status === 'dispatched' || status === 'cancelled' || asked.has(orderId)) return [];
    return [{ orderId, why: status ? `is ${status}, and nobody is asked` : 'has no row' }];
  });
  const what =
    'every order that a customer was told is placed ends, or is in a task that is listed';
  return { id: 'I1', what, looked: customers.placed.size, offenders };
}

function atMostOneCourier({ live }: Facts): Check {
  const seen = new Set<string>();
  const offenders = live.flatMap(({ orderId }) => {
    if (!seen.has(orderId)) {
      seen.add(orderId);
      return [];
    }
    return [{ orderId, why: 'has two couriers on the way' }];
  });
  return { id: 'I2', what: 'no order has two live dispatches', looked: live.length, offenders };
}

function noCourierWithoutOrder({ live, rows, asked }: Facts): Check {
  const offenders = live.flatMap(({ orderId }) => {
    const row = rows.get(orderId);
    if (asked.has(orderId)) return [];
    if (!row) return [{ orderId, why: 'has a courier and no row' }];
    return row.status === 'cancelled' ? [{ orderId, why: 'is cancelled and has a courier' }] : [];
  });
  const what = 'no courier is on the way without an order, or for one that is cancelled';
  return { id: 'I3', what, looked: live.length, offenders };
}

function dispatchedMeansAccepted({ rows, ledger }: Facts): Check {
  const accepted = new Set(
    ledger
      .filter(({ outcome }) => outcome === 'accepted' || outcome === 'withdrawalRefused')
      .filter((row) => row.class === 'first')
      .map(({ orderId }) => orderId),
  );
  const dispatched = [...rows.values()].filter(({ status }) => status === 'dispatched');
  const offenders = dispatched.flatMap(({ orderId, dispatchedBy, decidedBy }) => {
    if (accepted.has(orderId) || (dispatchedBy === 'person' && decidedBy !== null)) return [];
    return [{ orderId, why: 'is dispatched, and nobody said so' }];
  });
  const what = 'dispatched means that an applied answer or a person says so';
  return { id: 'I4', what, looked: dispatched.length, offenders };
}

/**
 * An answer that waits in a home queue is gone with its connection. It is asked for again while the order waits for
 * it; an order that is being cancelled, or that a person gave a new request, asks something later instead.
 */
function answersAreRecorded({ inbox, ledger }: Facts): Check {
  const recorded = new Set(ledger.map(({ requestId }) => requestId));
  const isOvertaken = ({ orderId, requestId }: Facts['inbox'][number]) =>
    ledger.some(
      (row) =>
        row.orderId === orderId &&
        row.class === 'first' &&
        rankOf(row.requestId) > rankOf(requestId),
    );
  const offenders = inbox
    .filter((answer) => !recorded.has(answer.requestId) && !isOvertaken(answer))
    .map(({ requestId, orderId }) => ({ orderId, why: `the answer to ${requestId} was lost` }));
  const what =
    'each answer that the dispatch system committed is in the ledger, or a later one of its order is applied';
  return { id: 'I5', what, looked: inbox.length, offenders };
}

/** Which of an order's answers is later: a request's by its number; the withdrawal's is the last. */
function rankOf(requestId: string): number {
  const last = requestId.slice(requestId.lastIndexOf('.') + 1);
  return last === 'withdrawal' ? Infinity : Number(last);
}

function answersAreStored({ inbox, ledger, strays }: Facts): Check {
  const stored = new Set(inbox.map(({ requestId }) => requestId));
  const answered = ledger.filter(({ requestId }) => !strays.requestIds.has(requestId));
  const offenders = answered
    .filter(({ requestId }) => !stored.has(requestId))
    .map(({ requestId, orderId }) => ({
      orderId,
      why: `the answer to ${requestId} was sent and is not stored: a repeat may get another`,
    }));
  const what = 'each answer was committed before it was sent';
  return { id: 'I5', what, looked: answered.length, offenders };
}

function cancelledIsFinal({ events, deleted }: Facts): Check {
  const offenders = [...events].flatMap(([orderId, types]) => {
    const at = types.indexOf('order.cancelled.v1');
    if (at < 0 || at === types.length - 1 || deleted.has(orderId)) return [];
    return [{ orderId, why: `went on after its cancellation: ${types.join(', ')}` }];
  });
  const what = 'what is cancelled stays so';
  return { id: 'I6', what, looked: events.size, offenders };
}

async function nothingIsLeft({ field }: Facts): Promise<Check> {
  const queues = await field.services.rabbitmq.queues(field.vhost);
  const offenders = queues
    .filter(({ messages }) => messages > 0)
    .map(({ name, messages }) => ({ why: `${messages} messages are in ${name}` }));
  const what = 'once it is quiet, every message was handled or is a recorded dead letter';
  return { id: 'I7', what, looked: queues.length, offenders };
}

function contentsAreKept({ customers }: Facts): Check {
  const offenders = customers.surprises.map((why) => ({ why }));
  const what = 'the same ID with other content is refused, and nobody hears what should not be';
  return { id: 'I8', what, looked: customers.conflictsRefused, offenders };
}

async function oneResolutionWins({ field, people }: Facts): Promise<Check> {
  const entries = await query<{
    orderId: string;
    note: string | null;
    decision: string | null;
    actor: string;
  }>(
    field.direct.ordersDatabaseUrl,
    `SELECT order_id AS "orderId", note, decision, actor FROM audit WHERE act = 'resolve'`,
  );
  const nameless = await query<{ orderId: string }>(
    field.direct.ordersDatabaseUrl,
    `SELECT order_id AS "orderId" FROM human_tasks WHERE closed_by = 'person'
     AND (actor IS NULL OR note IS NULL OR decision IS NULL)`,
  );
  const key = (taskId: string | undefined, decision: string | null) => `${taskId} ${decision}`;
  const recorded = new Map<string, number>();
  for (const { note, decision } of entries) {
    const of = key(note?.replace('about ', ''), decision);
    recorded.set(of, (recorded.get(of) ?? 0) + 1);
  }
  const missing = people.decided.flatMap(({ taskId, resolution }) => {
    const of = key(taskId, resolution.decision);
    const left = recorded.get(of) ?? 0;
    recorded.set(of, left - 1);
    const orderId = orderIdOfWorkflow(taskId);
    if (left > 0) return [];
    return [{ ...(orderId && { orderId }), why: `${of} was carried out and is not in the audit` }];
  });
  const offenders = [
    ...missing,
    ...nameless.map(({ orderId }) => ({ orderId, why: 'was decided by nobody with a name' })),
    ...people.surprises.map((why) => ({ why })),
  ];
  const what = 'each decision that was carried out is in the audit, with its actor, and once';
  return { id: 'I9, I14', what, looked: entries.length, offenders };
}

async function resultsAreRows({ field, customers, rows, client, asked }: Facts): Promise<Check> {
  const final = [...customers.placed.keys()].filter((orderId) => {
    const status = rows.get(orderId)?.status;
    return (status === 'dispatched' || status === 'cancelled') && !asked.has(orderId);
  });
  const offenders: Check['offenders'] = [];
  for (let next = 0; next < final.length; next += AT_ONCE) {
    await Promise.all(
      final.slice(next, next + AT_ONCE).map(async (orderId) => {
        const { status } = rows.get(orderId) ?? {};
        const said = await Promise.race([
          client
            .getOrder(orderId)
            .result()
            .then((result) => result.status, String),
          sleep(20_000 * field.patience, 'nothing', { ref: false }),
        ]);
        if (said !== status)
          offenders.push({ orderId, why: `is ${status}; its result is ${said}` });
      }),
    );
  }
  const what = "the result of an order's last workflow is its row's status";
  return { id: 'I10', what, looked: final.length, offenders };
}

async function historiesReplay({ temporal, customers, asked, rows }: Facts): Promise<Check> {
  // Those that had trouble first: what went well has the same few events.
  const troubled = [...customers.placed.keys()].sort(
    (one, other) => weightOf(rows.get(other), asked) - weightOf(rows.get(one), asked),
  );
  const offenders: Check['offenders'] = [];
  const chosen = troubled.slice(0, REPLAYED);
  for (const orderId of chosen) {
    try {
      const history = await temporal.workflow
        .getHandle(dispatchOrderWorkflowId(orderId))
        .fetchHistory();
      await Worker.runReplayHistory(
        { workflowBundle: { codePath: workflowBundlePath() } },
        history,
      );
    } catch (error) {
      offenders.push({ orderId, why: `its history does not replay: ${String(error)}` });
    }
  }
  return { id: 'I11', what: 'histories replay', looked: chosen.length, offenders };
}

function weightOf(row: OrderRow | undefined, asked: ReadonlySet<string>): number {
  if (!row || asked.has(row.orderId)) return 3;
  if (row.decidedBy !== null) return 2;
  return behaviourOf(row.orderId) === 'accept' ? 0 : 1;
}

/** What Temporal suggests a new run at; a history that is longer grew without end. */
const LONGEST_HISTORY = 5_000;

async function isBounded({ temporal, customers }: Facts): Promise<Check> {
  const offenders: Check['offenders'] = [];
  let looked = 0;
  for await (const { workflowId, historyLength } of temporal.workflow.list()) {
    looked += 1;
    if (historyLength <= LONGEST_HISTORY) continue;
    const orderId = orderIdOfWorkflow(workflowId);
    const why = `${workflowId} has ${historyLength} events`;
    offenders.push({ ...(orderId && customers.placed.has(orderId) && { orderId }), why });
  }
  return { id: 'I12', what: 'no history grows without end', looked, offenders };
}

async function eventsTellTheEnd({ field, rows, deleted, events }: Facts): Promise<Check> {
  const offenders = [...rows.values()].flatMap(({ orderId, status }) => {
    if (status !== 'dispatched' && status !== 'cancelled') return [];
    const types = events.get(orderId) ?? [];
    if (types.at(-1) !== `order.${status}.v1`) {
      return [{ orderId, why: `is ${status}, and the last event is ${types.at(-1) ?? 'none'}` }];
    }
    const twice = types.some((type, at) => type === types[at + 1] && type === 'order.cancelled.v1');
    return twice && !deleted.has(orderId) ? [{ orderId, why: 'was told cancelled twice' }] : [];
  });
  const unsent = await query<{ orderId: string }>(
    field.direct.ordersDatabaseUrl,
    'SELECT subject AS "orderId" FROM outcome_events WHERE sent_at IS NULL',
  );
  const what = "each order's last event says how it ended, and all events are sent";
  return {
    id: 'I13',
    what,
    looked: events.size,
    offenders: [...offenders, ...unsent.map((each) => ({ ...each, why: 'has an unsent event' }))],
  };
}

function whatCustomersHeard({ customers, rows, asked }: Facts): Check {
  const told = [...customers.placed].filter(([, { cancellation }]) => cancellation);
  const offenders = told.flatMap(([orderId, { cancellation }]) => {
    const status = rows.get(orderId)?.status;
    if (asked.has(orderId) || status === (cancellation === 'tooLate' ? 'dispatched' : 'cancelled'))
      return [];
    return [{ orderId, why: `the customer heard ${cancellation}, and it is ${status}` }];
  });
  const what = 'who cancelled an order heard what is so';
  return { id: 'I3, I10', what, looked: told.length, offenders };
}
