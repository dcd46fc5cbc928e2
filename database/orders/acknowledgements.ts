import type { Acknowledgement } from '../../domain/messages/acknowledgement';
import type { AcknowledgementClass, Answer, OrderProgress } from '../../domain/order-state';
import type { AcknowledgedSignal } from '../../domain/workflow-contract';
import { requestNumberOf } from '../../domain/request-id';
import { prismaOf, type OrdersDatabase } from './connection';
import { Prisma } from './generated/client';
import { orderColumns, toAnswer, toOrderState, type AnswerRow, type OrderRow } from './order-row';
import { defined } from '../../domain/defined';

/** What the ledger made of an acknowledgement. */
export interface RecordedAcknowledgement {
  /** What those who wait for it are told. */
  signal: AcknowledgedSignal;
  /** Whether it moved the order to `dispatched`. */
  hasMoved: boolean;
}

/**
 * Records an acknowledgement: one statement locks the order, classifies, writes the ledger and, for
 * a `first` acceptance, moves the order to `dispatched`. So does a `duplicate` where the order still
 * waits: then its row was lost after the first one, and came back. Classes, the first that fits:
 *
 * | class            | when                                                                        |
 * |------------------|-----------------------------------------------------------------------------|
 * | `unknownOrder`   | there is no such order                                                      |
 * | `unknownRequest` | its `n` is above the order's request number                                 |
 * | `duplicate`      | the `first` answer to this request ID says the same                         |
 * | `conflicting`    | that says otherwise, or the dispatch system gave the order another courier  |
 * | `late`           | accepted, but the order is cancelled or dispatched by a person              |
 * | `first`          | else: it is applied                                                         |
 *
 * Two answers to one request at the same time can both look like the first: the unique index refuses
 * one, which then runs again and sees the other.
 */
export async function recordAcknowledgement(
  database: OrdersDatabase,
  messageId: string,
  acknowledgement: Acknowledgement,
): Promise<RecordedAcknowledgement> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await record(database, messageId, acknowledgement);
    } catch (error) {
      if (tries >= 3 || !isUniqueViolation(error)) throw error;
    }
  }
}

async function record(
  database: OrdersDatabase,
  messageId: string,
  acknowledgement: Acknowledgement,
): Promise<RecordedAcknowledgement> {
  const { requestId, orderId, outcome, decidedAt } = acknowledgement;
  const {
    courierId = null,
    rejectionCode = null,
    retryAfterMs = null,
    detail = null,
  } = acknowledgement;
  // A withdrawal has no number: it is never above the order's.
  const requestNumber = requestNumberOf(requestId) ?? 0;
  const [row] = await prismaOf(database).$queryRaw<RecordedRow[]>`
    WITH locked AS MATERIALIZED (
      SELECT * FROM orders WHERE order_id = ${orderId} FOR UPDATE
    ), applied AS (
      SELECT * FROM acknowledgements WHERE request_id = ${requestId} AND class = 'first'
    ), classified AS (
      SELECT CASE
        WHEN o.order_id IS NULL THEN 'unknownOrder'
        WHEN ${requestNumber}::int > o.request_number THEN 'unknownRequest'
        WHEN a.id IS NOT NULL
          AND (a.outcome, a.courier_id, a.rejection_code) IS NOT DISTINCT FROM
              (${outcome}::text, ${courierId}::text, ${rejectionCode}::text) THEN 'duplicate'
        WHEN a.id IS NOT NULL THEN 'conflicting'
        WHEN ${outcome} = 'accepted' AND o.status = 'dispatched'
          AND o.dispatched_by = 'acknowledgement' AND o.courier_id <> ${courierId} THEN 'conflicting'
        WHEN ${outcome} = 'accepted' AND (o.status = 'cancelled'
          OR (o.status = 'dispatched' AND o.dispatched_by = 'person')) THEN 'late'
        ELSE 'first' END AS class
      FROM (SELECT 1) AS one LEFT JOIN locked o ON true LEFT JOIN applied a ON true
    ), ledger AS (
      INSERT INTO acknowledgements (message_id, request_id, order_id, outcome, courier_id,
        rejection_code, retry_after_ms, detail, decided_at, class)
      SELECT ${messageId}, ${requestId}, ${orderId}, ${outcome}, ${courierId}, ${rejectionCode},
        ${retryAfterMs}::int, CASE WHEN o.erased_at IS NULL THEN ${detail} END,
        ${new Date(decidedAt)}, class
      FROM classified LEFT JOIN locked o ON true
      RETURNING class, received_at
    ), moved AS (
      UPDATE orders SET status = 'dispatched', courier_id = ${courierId},
        dispatched_by = 'acknowledgement', escalation_reason = NULL, escalated_at = NULL,
        updated_at = now()
      FROM classified
      WHERE orders.order_id = ${orderId} AND classified.class IN ('first', 'duplicate')
        AND ${outcome} = 'accepted' AND orders.status IN ('placed', 'escalated')
      RETURNING orders.*
    )
    SELECT ledger.class, EXISTS (SELECT 1 FROM moved) AS "hasMoved", COALESCE(a.received_at, ledger.received_at) AS "receivedAt",
      ${orderColumns('o')}
    FROM ledger LEFT JOIN applied a ON true LEFT JOIN (
      SELECT * FROM moved UNION ALL SELECT * FROM locked WHERE NOT EXISTS (SELECT 1 FROM moved)
    ) o ON true`;
  if (!row) throw new Error('the ledger returned no row');
  return {
    hasMoved: row.hasMoved,
    signal: {
      class: row.class,
      answer: toAnswer({
        requestId,
        outcome,
        courierId,
        rejectionCode,
        retryAfterMs,
        receivedAt: row.receivedAt,
      }),
      ...(row.orderId !== null && { order: toOrderState({ ...row, orderId: row.orderId }) }),
    },
  };
}

type RecordedRow = Omit<OrderRow, 'orderId'> & {
  orderId: string | null;
  class: AcknowledgementClass;
  hasMoved: boolean;
  receivedAt: Date;
};

/** Finds the applied answers to a request and to the order's withdrawal. */
export async function findAnswers(
  database: OrdersDatabase,
  { requestId, withdrawalId }: { requestId: string; withdrawalId: string },
): Promise<Pick<OrderProgress, 'answer' | 'withdrawalAnswer'>> {
  const rows: AnswerRow[] = await prismaOf(database).acknowledgement.findMany({
    where: { requestId: { in: [requestId, withdrawalId] }, class: 'first' },
  });
  const answer = rows.find((row) => row.requestId === requestId);
  const withdrawalAnswer = rows.find((row) => row.requestId === withdrawalId);
  return defined({
    answer: answer && toAnswer(answer),
    withdrawalAnswer: withdrawalAnswer && toAnswer(withdrawalAnswer),
  });
}

/** Finds the applied answer to one request or withdrawal. */
export async function findAnswer(
  database: OrdersDatabase,
  requestId: string,
): Promise<Answer | undefined> {
  const row = await prismaOf(database).acknowledgement.findFirst({
    where: { requestId, class: 'first' },
  });
  return row ? toAnswer(row) : undefined;
}

function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === 'P2002' || JSON.stringify(error.meta ?? {}).includes('23505'))
  );
}

/** An answer as the ledger has it. */
export interface LedgerRow {
  /** Decimal, counting up. */
  id: string;
  messageId: string;
  requestId: string;
  outcome: string;
  class: string;
  courierId: string | null;
  rejectionCode: string | null;
  retryAfterMs: number | null;
  /** The dispatch system's words. */
  detail: string | null;
  decidedAt: Date;
  receivedAt: Date;
}

/** Lists the answers to an order's requests, the oldest first. */
export async function listLedger(
  database: OrdersDatabase,
  { orderId, limit }: { orderId: string; limit: number },
): Promise<LedgerRow[]> {
  const rows = await prismaOf(database).acknowledgement.findMany({
    where: { orderId },
    omit: { orderId: true },
    orderBy: { id: 'asc' },
    take: limit,
  });
  return rows.map((row) => ({ ...row, id: String(row.id) }));
}
