import { InvalidConfiguration, OrderDispatchError } from '../../domain/errors';
import type { DispatchFacts } from '../../domain/verdict';
import type { Change, ChangesPage } from '../changes';
import { CONNECTION_USE, type ConnectionUse } from '../connection-use';
import { postgresAdapter, type PoolOptions } from '../postgres-adapter';
import { readOnly } from '../read-only';
import { Prisma, PrismaClient } from './generated/client';

let prismaOf: (view: DispatchView) => PrismaClient;

/**
 * A dispatch database, ours or an adopter's, as the supplement system sees it: through the view
 * `order_dispatch_dispatches_v1`, and read-only. For the statements of this file alone.
 */
export class DispatchView {
  readonly #prisma: PrismaClient;

  constructor(prisma: PrismaClient) {
    this.#prisma = prisma;
  }

  /** Closes the pool. */
  close(): Promise<void> {
    return this.#prisma.$disconnect();
  }

  static {
    prismaOf = (view) => view.#prisma;
  }
}

/** A row of the view. An adopter's database vouches for nothing, so neither do the types. */
export interface DispatchViewRow {
  orderId: string;
  requestId: string | null;
  courierId: string | null;
  status: string | null;
}

/** A row of the view breaks its contract; the message says how. */
class BrokenDispatchView extends OrderDispatchError {
  readonly code = 'BrokenDispatchView';
}

/** Opens a pool of connections whose statements cannot write; the first statement connects. */
export function openDispatchView(options: PoolOptions): DispatchView {
  const adapter = readOnly(postgresAdapter({ maximumConnections: 4, ...options }));
  return new DispatchView(new PrismaClient({ adapter }));
}

/**
 * Finds, for each order that has one, the dispatch that counts, in one statement: the live one, else
 * the newest.
 *
 * @throws {@link InvalidConfiguration} where the database does not offer the view, or not to us.
 */
export async function findDispatchRows(
  view: DispatchView,
  orderIds: readonly string[],
): Promise<Map<string, DispatchViewRow>> {
  try {
    const rows = await prismaOf(view).$queryRaw<DispatchViewRow[]>`
      SELECT DISTINCT ON (order_id) order_id AS "orderId", request_id::text AS "requestId",
        courier_id::text AS "courierId", status::text AS "status"
      FROM order_dispatch_dispatches_v1
      WHERE order_id = ANY(${orderIds}::text[])
      ORDER BY order_id, (status IS NOT DISTINCT FROM 'live') DESC, updated_at DESC NULLS LAST`;
    return new Map(rows.map((row) => [row.orderId, row]));
  } catch (error) {
    const why = whyNotOffered(error);
    if (why === undefined) throw error;
    throw new InvalidConfiguration(
      `the dispatch database does not offer the view order_dispatch_dispatches_v1 (${why}): ${HOW_TO_OFFER}`,
      { cause: error },
    );
  }
}

/** How many connections the dispatch database's clients have. */
export async function readDispatchConnections(view: DispatchView): Promise<ConnectionUse> {
  const [row] = await prismaOf(view).$queryRawUnsafe<ConnectionUse[]>(CONNECTION_USE);
  if (!row) throw new Error('a server without connections');
  return row;
}

/** The next orders whose live dispatch changed in a time, the longest unchanged first. */
export function findChangedLiveOrders(
  view: DispatchView,
  { after, until, limit }: ChangesPage,
): Promise<Change[]> {
  return prismaOf(view).$queryRaw<Change[]>`
    SELECT order_id AS "orderId",
      (extract(epoch FROM updated_at) * 1000000)::bigint AS "changedAtMicroseconds"
    FROM order_dispatch_dispatches_v1
    WHERE status = 'live'
      AND (updated_at, order_id) > ('epoch'::timestamptz
        + ${after.changedAtMicroseconds}::float8 * interval '1 microsecond', ${after.orderId})
      AND updated_at < ${until}
    ORDER BY updated_at, order_id LIMIT ${limit}`;
}

/**
 * What a row says of its order.
 *
 * @throws BrokenDispatchView where it breaks the view's contract: nobody guesses about couriers.
 */
export function toDispatchFacts(row: DispatchViewRow | undefined): DispatchFacts {
  if (!row) return { status: 'none' };
  const { orderId, status, courierId, requestId } = row;
  if (status === 'withdrawn') return { status };
  if (status !== 'live') {
    throw new BrokenDispatchView(
      `order_dispatch_dispatches_v1 has the status '${status}' for order ${orderId}: it must be live or withdrawn`,
    );
  }
  if (courierId === null || requestId === null) {
    throw new BrokenDispatchView(
      `order_dispatch_dispatches_v1 has a live dispatch without courier_id or request_id for order ${orderId}`,
    );
  }
  return { status, courierId, requestId };
}

const HOW_TO_OFFER =
  "create it with the columns order_id, request_id, courier_id and status ('live' or 'withdrawn'), " +
  'all text, and updated_at, a timestamptz, and grant SELECT on it; the dispatch system that comes ' +
  'with this service gets it from `order-dispatch setup migrate`';

/** PostgreSQL's words for what only the database's owner can mend; `undefined` for other errors. */
function whyNotOffered(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined;
  const { cause } = (error.meta?.['driverAdapterError'] ?? {}) as {
    cause?: { originalCode?: string; originalMessage?: string };
  };
  return NOT_OFFERED.has(cause?.originalCode ?? '') ? cause?.originalMessage : undefined;
}

/** No such table, no such column, a column of another type, no permission. */
const NOT_OFFERED = new Set(['42P01', '42703', '42883', '42501']);
