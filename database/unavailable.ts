/**
 * Whether an error says that the database could not be reached or could not serve just now, so that
 * the same statement may well succeed later. Looks through what Prisma wraps around the driver's
 * error: its own codes (P1xxx: connection, P2024: pool, P2037: too many connections), PostgreSQL's
 * classes 08 (connection), 53 (resources) and 57P (shutdown), 40001 and 40P01 (serialisation,
 * deadlock), and the socket's.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  const seen = new Set<unknown>();
  const pending: unknown[] = [error];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    const { code, originalCode, kind, message, cause, meta, driverAdapterError } = next as Record<
      string,
      unknown
    >;
    if ([code, originalCode].some((value) => typeof value === 'string' && CODES.test(value))) {
      return true;
    }
    if (typeof kind === 'string' && KINDS.has(kind)) return true;
    if (typeof message === 'string' && MESSAGES.test(message)) return true;
    pending.push(cause, meta, driverAdapterError);
  }
  return false;
}

const CODES =
  /^(P1\d{3}|P2024|P2034|P2037|P2028|08\w{3}|53\w{3}|57P\w{2}|40001|40P01|ECONN\w+|EPIPE|ENOTFOUND|ETIMEDOUT|EAI_AGAIN)$/;

const KINDS = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'TooManyConnections',
  'SocketTimeout',
  'TransactionWriteConflict',
]);

/** pg reports a connection lost in the middle of a query without any code. */
const MESSAGES =
  /Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|server closed the connection/i;
