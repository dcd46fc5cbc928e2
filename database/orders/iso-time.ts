import { Prisma } from './generated/client';

/**
 * A column's time as ISO 8601, for JSON that a statement writes. Written like this, as the triggers do,
 * it is UTC in every session; a time that is cast to text or JSON is in the session's time zone.
 */
export function isoTime(column: string): Prisma.Sql {
  return Prisma.raw(`to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);
}
