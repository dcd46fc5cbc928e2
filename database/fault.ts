import type { Fault } from '../domain/fault';
import { wrappedErrors } from '../runtime/wrapped-errors';

/**
 * Whose fault a failure is that comes from a database, its driver or the network below it; `undefined`
 * where it comes from our own code. The values' fault is what the database will not take: SQLSTATE 22
 * (data) and 23 (constraints). Of what is listed nowhere, most is an outage that nobody foresaw, but it
 * may be the statement. Looks through what Prisma wraps around the driver's error.
 */
export function databaseFaultOf(error: unknown): Fault | undefined {
  const said = new Set<Fault>();
  for (const each of wrappedErrors(error)) {
    const fault = readFault(each);
    if (fault) said.add(fault);
  }
  // What wraps an error knows less of it than what is inside.
  return (['message', 'infrastructure', 'unclear'] as const).find((fault) => said.has(fault));
}

/** Whether the database could not serve: all that it says but for the fault of the values. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const fault = databaseFaultOf(error);
  return fault === 'infrastructure' || fault === 'unclear';
}

function readFault(error: Readonly<Record<string, unknown>>): Fault | undefined {
  const { code, originalCode, kind, message, name, syscall } = error;
  const codes = [code, originalCode].filter((value) => typeof value === 'string');
  if (codes.some((value) => DATA.test(value))) return 'message';
  if (codes.some((value) => OUTAGE.test(value))) return 'infrastructure';
  if (typeof kind === 'string' && OUTAGE_KINDS.has(kind)) return 'infrastructure';
  if (typeof message === 'string' && OUTAGE_MESSAGES.test(message)) return 'infrastructure';
  // A system call that failed under the driver: no route, no name, no right.
  if (typeof syscall === 'string') return 'infrastructure';
  if (originalCode !== undefined || kind === 'postgres') return 'unclear';
  if (typeof name === 'string' && UNLISTED_NAMES.test(name)) return 'unclear';
  return undefined;
}

/** SQLSTATE 22 and 23, and Prisma's names of them. */
const DATA = /^(2[23]\w{3}|P20(00|0[2-7]|1[1-3]|19|20))$/;

/**
 * SQLSTATE 08 (connection), 25 (a transaction's state: 25006 is a demoted primary), 28 (who may log
 * in), 3D and 3F (no such database or schema), 40 (serialisation, deadlock), 42501 (no right), 42P01
 * and 42703 (a migration is missing), 53 (resources), 54 and 55 (limits; a lock that was not to be
 * had), 57 (cancelled, shut down), 58 (its disk), F0 and XX (its own faults). And Prisma's: P1xxx
 * (connection), P2021 and P2022 (no such table or column), P2024 (pool), P2028 and P2034 (transaction),
 * P2037 (too many connections).
 */
const OUTAGE =
  /^((08|25|28|3D|3F|40|53|54|55|57|58|F0|XX)\w{3}|42501|42P01|42703|P1\d{3}|P20(21|22|24|28|34|37))$/;

const OUTAGE_KINDS = new Set([
  'AuthenticationFailed',
  'ColumnNotFound',
  'ConnectionClosed',
  'DatabaseAccessDenied',
  'DatabaseDoesNotExist',
  'DatabaseNotReachable',
  'SocketTimeout',
  'TableDoesNotExist',
  'TlsConnectionError',
  'TooManyConnections',
  'TransactionAlreadyClosed',
  'TransactionWriteConflict',
]);

/** What pg says without any code: of a connection that is lost, or that does not answer in time. */
const OUTAGE_MESSAGES =
  /Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|server closed the connection|Query read timeout|not queryable/i;

/** Prisma's errors about the database that say no more than that it failed. */
const UNLISTED_NAMES =
  /^(PrismaClient(UnknownRequest|KnownRequest|Initialization|RustPanic)Error|DriverAdapterError)$/;
