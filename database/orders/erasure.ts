import { isDeepStrictEqual } from 'node:util';
import type { Via } from '../../domain/act';
import { ACKNOWLEDGEMENT_TYPE } from '../../domain/messages/acknowledgement';
import { WITHDRAWAL_TYPE } from '../../domain/messages/withdrawal';
import type { EscalationReason, OrderStatus } from '../../domain/status';
import { OrdersDatabase, prismaOf } from './connection';
import { Prisma } from './generated/client';

/** What stands where personal data was. */
const ERASED = 'erased';

/** A customer as the order database knows one. */
export interface Customer {
  customerId: string;
  /** Of the customer ID (hex), which is what is left of it after an erasure: today's, then former ones. */
  customerHashes: readonly string[];
}

/** An order of a customer, with nothing personal. */
export interface CustomerOrder {
  orderId: string;
  status: OrderStatus;
  /** Of its open human task, or of one about a finding. */
  escalationReason: EscalationReason | null;
  erasedAt: Date | null;
  /** Whether its workflow still waits to hear that no second courier comes. */
  awaitsWithdrawal: boolean;
}

/** An open dead letter with a customer's data whose order is none of the customer's final ones. */
export interface OpenDeadLetter {
  id: string;
  orderId: string | null;
}

/** How many rows of each table were blanked. */
export interface ErasedRows {
  orders: number;
  acknowledgements: number;
  repairs: number;
  humanTasks: number;
  audit: number;
  bulkRuns: number;
  deadLetters: number;
}

/** A transaction on the order database. */
type Transaction = Prisma.TransactionClient;

/** How long an erasure may take, in ms: a customer may have many orders. */
const ERASURE_TIMEOUT_MS = 5 * 60_000;

/**
 * Runs `work` in one transaction: an erasure is done, or it is not.
 *
 * @param options.dryRun takes everything back in the end, and still returns what `work` found.
 */
export async function inErasureTransaction<Result>(
  database: OrdersDatabase,
  work: (transaction: Transaction) => Promise<Result>,
  options: { dryRun: boolean },
): Promise<Result> {
  const tried: Result[] = [];
  try {
    return await prismaOf(database).$transaction(
      async (transaction) => {
        const result = await work(transaction);
        if (!options.dryRun) return result;
        tried.push(result);
        throw new Error('a dry run changes nothing');
      },
      { maxWait: 10_000, timeout: ERASURE_TIMEOUT_MS },
    );
  } catch (error) {
    for (const result of tried) return result;
    throw error;
  }
}

/**
 * Finds a customer's orders, those that were erased already too, and locks them, so that none begins
 * anything before the transaction ends.
 */
export function lockCustomerOrders(
  transaction: Transaction,
  { customerId, customerHashes }: Customer,
): Promise<CustomerOrder[]> {
  // Two scans of an index; an OR over both would be one of the table.
  return transaction.$queryRaw<CustomerOrder[]>`
    SELECT order_id AS "orderId", status,
      COALESCE(escalation_reason, (
        SELECT t.escalation_reason FROM human_tasks t
        WHERE t.order_id = orders.order_id AND t.closed_at IS NULL LIMIT 1)) AS "escalationReason",
      erased_at AS "erasedAt",
      status = 'dispatched' AND dispatched_by = 'person' AND NOT EXISTS (
        SELECT 1 FROM acknowledgements a
        WHERE a.request_id = orders.order_id || '.withdrawal' AND a.class = 'first')
        AS "awaitsWithdrawal"
    FROM orders WHERE order_id IN (
      SELECT order_id FROM orders WHERE "order" ->> 'customerId' = ${customerId} AND erased_at IS NULL
      UNION ALL
      SELECT order_id FROM orders WHERE erasure_id IN (
        SELECT id FROM erasures WHERE customer_hash = ANY(${[...customerHashes]})))
    ORDER BY created_at, order_id FOR UPDATE`;
}

/** Records that a customer's data is about to be erased, in the audit too. @returns the erasure's ID. */
export async function insertErasure(
  transaction: Transaction,
  given: { customerHash: string; actor: string; note: string; via: Via; at: Date },
): Promise<bigint> {
  const { customerHash, actor, note, via, at } = given;
  const { id } = await transaction.erasure.create({
    data: { customerHash, actor, note, createdAt: at },
  });
  await transaction.auditEntry.create({
    data: { act: 'erase', actor, note, via, at, facts: { erasureId: String(id) } },
  });
  return id;
}

/** Writes the customer ID's hash of today where a former one stands: one without a key, most times. */
export async function rehashErasures(
  transaction: Transaction,
  { customerHashes: [now, ...former] }: Customer,
): Promise<void> {
  if (now === undefined || former.length === 0) return;
  await transaction.erasure.updateMany({
    where: { customerHash: { in: former } },
    data: { customerHash: now },
  });
}

/** Adds to an erasure's audit how many rows were blanked. */
export async function countErasure(
  connection: Transaction | OrdersDatabase,
  erasureId: bigint,
  rows: Partial<ErasedRows & { inbox: number }>,
): Promise<void> {
  const prisma = connection instanceof OrdersDatabase ? prismaOf(connection) : connection;
  await prisma.erasure.update({ where: { id: erasureId }, data: rows });
}

/**
 * Blanks the rows about these orders, which must be final. What stays is what the service decides by
 * and what the books need: IDs, content hash, status, restaurant, items, prices, times and couriers.
 *
 * | table            | blanked                                                                 |
 * |------------------|-------------------------------------------------------------------------|
 * | orders           | customer ID, address, note, details; a person's note; an actor that names the customer; the last act |
 * | acknowledgements | the detail, which the dispatch system wrote for people                  |
 * | repairs          | a person's note; an actor that names the customer                       |
 * | human_tasks      | the same, and who claimed it, where that names the customer             |
 * | audit            | the same                                                                |
 * | bulk_runs        | notes and actors that name the customer, and who decided a task of a run |
 *
 * The content hash stays, so the same order is known again, and `updated_at` too: an erased order is
 * not kept longer for it.
 */
export async function eraseOrders(
  transaction: Transaction,
  given: { orderIds: string[]; customerId: string; erasureId: bigint; at: Date },
): Promise<Omit<ErasedRows, 'deadLetters'>> {
  const { orderIds, customerId, erasureId, at } = given;
  const named = namedIn(customerId);
  const orders = await transaction.$executeRaw`
    UPDATE orders SET erased_at = ${at}, erasure_id = ${erasureId},
      "order" = jsonb_build_object('orderId', "order" -> 'orderId',
        'customerId', ${ERASED}::text, 'restaurantId', "order" -> 'restaurantId',
        'deliveryAddress', jsonb_build_object('line', ${ERASED}::text, 'city', ${ERASED}::text,
          'postcode', ${ERASED}::text),
        'items', "order" -> 'items', 'currency', "order" -> 'currency',
        'placedAt', "order" -> 'placedAt'),
      last_act = NULL,
      decision_note = CASE WHEN decision_note IS NOT NULL THEN ${ERASED} END,
      decided_by = CASE WHEN decided_by ~ ${named} THEN ${ERASED} ELSE decided_by END,
      courier_sent_by = CASE WHEN courier_sent_by ~ ${named} THEN ${ERASED} ELSE courier_sent_by END
    WHERE order_id = ANY(${orderIds}) AND erased_at IS NULL`;
  const acknowledgements = await transaction.$executeRaw`
    UPDATE acknowledgements SET detail = NULL
    WHERE order_id = ANY(${orderIds}) AND detail IS NOT NULL`;
  const repairs = await transaction.$executeRaw`
    UPDATE repairs SET note = CASE WHEN note IS NOT NULL THEN ${ERASED} END,
      actor = CASE WHEN actor ~ ${named} THEN ${ERASED} ELSE actor END
    WHERE order_id = ANY(${orderIds}) AND (note <> ${ERASED} OR actor ~ ${named})`;
  const humanTasks = await transaction.$executeRaw`
    UPDATE human_tasks SET note = CASE WHEN note IS NOT NULL THEN ${ERASED} END,
      actor = CASE WHEN actor ~ ${named} THEN ${ERASED} ELSE actor END,
      claimed_by = CASE WHEN claimed_by ~ ${named} THEN ${ERASED} ELSE claimed_by END
    WHERE order_id = ANY(${orderIds})
      AND (note <> ${ERASED} OR actor ~ ${named} OR claimed_by ~ ${named})`;
  // The audit refuses all else.
  await transaction.$queryRaw`SELECT set_config('order_dispatch.keeping', 'erasure', true)`;
  const audit = await transaction.$executeRaw`
    UPDATE audit SET note = CASE WHEN note IS NOT NULL THEN ${ERASED} END,
      actor = CASE WHEN actor ~ ${named} THEN ${ERASED} ELSE actor END
    WHERE order_id = ANY(${orderIds}) AND (note <> ${ERASED} OR actor ~ ${named})`;
  const bulkRuns = await eraseBulkRuns(transaction, named);
  return { orders, acknowledgements, repairs, humanTasks, audit, bulkRuns };
}

/** A run is about the orders of many: only what names the customer goes. @returns how many runs had such. */
async function eraseBulkRuns(transaction: Transaction, named: string): Promise<number> {
  const runs = await transaction.$queryRaw<{ runs: number }[]>`
    WITH run AS (
      UPDATE bulk_runs SET note = CASE WHEN note ~ ${named} THEN ${ERASED} ELSE note END,
        actor = CASE WHEN actor ~ ${named} THEN ${ERASED} ELSE actor END,
        abort_note = CASE WHEN abort_note ~ ${named} THEN ${ERASED} ELSE abort_note END,
        aborted_by = CASE WHEN aborted_by ~ ${named} THEN ${ERASED} ELSE aborted_by END,
        filter = CASE WHEN filter::text ~ ${named} THEN '{}'::jsonb ELSE filter END
      WHERE note ~ ${named} OR actor ~ ${named} OR abort_note ~ ${named} OR aborted_by ~ ${named}
        OR filter::text ~ ${named}
      RETURNING id
    ), task AS (
      UPDATE bulk_rows SET outcome = ${ERASED} WHERE outcome ~ ${named} RETURNING bulk_id AS id
    )
    SELECT count(*)::int AS runs FROM (SELECT id FROM run UNION SELECT id FROM task) AS blanked`;
  return runs[0]?.runs ?? 0;
}

/** A regular expression for the customer ID as a word of its own: `c-7`, not `c-70`. */
function namedIn(customerId: string): string {
  const literal = customerId.replace(/[^A-Za-z0-9]/g, (character) =>
    character === '_' || character === '-' || character > '~' ? character : `\\${character}`,
  );
  return `(^|[^A-Za-z0-9_-])${literal}($|[^A-Za-z0-9_-])`;
}

/**
 * Blanks the dead letters about these orders, and those that carry the customer's ID. Of a body only
 * the fields stay that are known and not personal; of properties and headers those that the service
 * and the broker set. An open one that has nothing left to say is discarded: its order is final, and
 * a request without its order is malformed.
 *
 * @returns how many were blanked, and the open ones that were left, since their order is not final.
 */
export async function eraseDeadLetters(
  transaction: Transaction,
  given: { orderIds: string[]; customerId?: string; actor: string; at: Date },
): Promise<{ deadLetters: number; unsettled: OpenDeadLetter[] }> {
  const { orderIds, customerId, actor, at } = given;
  // As JSON writes it: the quotes keep `c-7` from being found in `c-70`.
  const quoted = customerId === undefined ? null : Buffer.from(JSON.stringify(customerId));
  const rows = await transaction.$queryRaw<DeadLetterRow[]>`
    SELECT id, order_id AS "orderId", type, state, content, properties, headers,
      decision_note AS "decisionNote" FROM dead_letters
    WHERE order_id = ANY(${orderIds}) OR position(${quoted}::bytea in content) > 0
    ORDER BY id FOR UPDATE`;
  const finalOrders = new Set(orderIds);
  const unsettled: OpenDeadLetter[] = [];
  let deadLetters = 0;
  for (const { id, orderId, type, state, decisionNote, ...message } of rows) {
    const isOfFinalOrder = orderId !== null && finalOrders.has(orderId);
    if (!isOfFinalOrder && !carriesCustomer(message.content, customerId)) continue;
    if (!isOfFinalOrder && state === 'open') {
      unsettled.push({ id: String(id), orderId });
      continue;
    }
    const blanked = withoutPersonalData(message);
    const isMoot = state === 'open' && !KEEPS_ITS_MEANING.has(type);
    const hasNote = decisionNote !== null && decisionNote !== ERASED;
    if (!isMoot && !hasNote && isDeepStrictEqual(blanked, message)) continue;
    deadLetters += 1;
    await transaction.deadLetter.update({
      where: { id },
      data: {
        ...blanked,
        ...(hasNote && { decisionNote: ERASED }),
        ...(isMoot && {
          state: 'discarded',
          decidedBy: actor,
          decisionNote: ERASED,
          decidedAt: at,
        }),
      },
    });
  }
  return { deadLetters, unsettled };
}

/**
 * Blanks what was dead-lettered about an order after its erasure; does nothing where the order is not
 * erased. For whoever records a dead letter, in the same transaction, after {@link lockOrder}.
 */
export async function eraseLateDeadLetters(
  transaction: Transaction,
  orderId: string,
): Promise<void> {
  const [erasure] = await transaction.$queryRaw<{ actor: string }[]>`
    SELECT e.actor FROM orders o JOIN erasures e ON e.id = o.erasure_id
    WHERE o.order_id = ${orderId}`;
  if (!erasure) return;
  const { actor } = erasure;
  await eraseDeadLetters(transaction, { orderIds: [orderId], actor, at: new Date() });
}

/** Waits for an erasure that is at work on the order, and keeps the next one waiting. */
export async function lockOrder(transaction: Transaction, orderId: string): Promise<void> {
  await transaction.$queryRaw`SELECT 1 FROM orders WHERE order_id = ${orderId} FOR SHARE`;
}

interface Message {
  content: Uint8Array<ArrayBuffer>;
  properties: Prisma.JsonObject;
  headers: Prisma.JsonObject;
}

type DeadLetterRow = Message & {
  id: bigint;
  orderId: string | null;
  type: string;
  state: string;
  decisionNote: string | null;
};

/** An answer and a withdrawal say the same without what is personal: they can be replayed yet. */
const KEEPS_ITS_MEANING: ReadonlySet<string> = new Set([ACKNOWLEDGEMENT_TYPE, WITHDRAWAL_TYPE]);

const KEPT_FIELDS =
  /^(requestId|orderId|dispatchBy|contentHash|outcome|courierId|rejectionCode|retryAfterMs|decidedAt|erased)$/;
const KEPT_PROPERTIES = /^(correlationId|replyTo|timestampMs)$/;
const KEPT_HEADERS =
  /^(deadLetterReason|firstFailedAt|lastFailedAt|attempts|sourceQueue|traceparent|x-death|x-(delivery|acquired)-count|x-(first|last)-death-(exchange|queue|reason))$/;

function withoutPersonalData({ content, properties, headers }: Message): Message {
  return {
    content: blankBody(content),
    properties: pick(properties, KEPT_PROPERTIES),
    headers: pick(headers, KEPT_HEADERS),
  };
}

/** What nobody can read may be anything: nothing of it stays. */
function blankBody(content: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const body = parseObject(content);
  const kept = body && pick(body, KEPT_FIELDS);
  if (kept && isDeepStrictEqual(kept, body)) return content;
  return Uint8Array.from(Buffer.from(JSON.stringify({ ...kept, erased: true })));
}

function carriesCustomer(content: Uint8Array, customerId: string | undefined): boolean {
  const body = parseObject(content);
  if (!body) return true;
  let isFound = false;
  JSON.stringify(body, (key, value: unknown) => {
    isFound ||= key === 'customerId' && value === customerId;
    return value;
  });
  return isFound;
}

function parseObject(content: Uint8Array): Prisma.JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(content).toString('utf8'));
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
    return body;
  } catch {
    return undefined;
  }
}

function pick(fields: Prisma.JsonObject, kept: RegExp): Prisma.JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => kept.test(name)));
}
