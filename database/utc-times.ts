import { isDate } from 'node:util/types';
import type { ArgType, SqlQuery } from '@prisma/driver-adapter-utils';
import { InvalidConfiguration } from '../domain/errors';

// PostgreSQL writes and reads times in the time zone of the session, which is the database's, the
// role's or the machine's. Prisma's adapter takes every time for UTC and sends times without an offset.
// So each time that comes gets UTC's offset, and each that goes is sent with one.

/** A time of ISO style; the offset has seconds if it is of before there were time zones. */
const TIME =
  /^(\d{4,6})(-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/;

/**
 * Converts a time as PostgreSQL writes it, such as `2026-11-30 07:00:00.123456-05`, to UTC:
 * `2026-11-30T12:00:00.123456+00:00`.
 *
 * @throws {@link InvalidConfiguration} if it has no offset that can be read, as with another DateStyle
 * than ISO, or is infinite.
 */
export function toUtc(text: string): string {
  const match = TIME.exec(text);
  if (!match) {
    throw new InvalidConfiguration(
      `the database has the time '${text}': it must be finite, of our era and in the DateStyle ISO (ALTER ROLE ... SET DateStyle = 'ISO')`,
    );
  }
  const [, year = '', day, clock, fraction = '', sign] = match;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(6).map((part) => Number(part ?? 0));
  const offsetMs = ((hours * 60 + minutes) * 60 + seconds) * 1_000 * (sign === '-' ? -1 : 1);
  const isoYear = year.length === 4 ? year : `+${year.padStart(6, '0')}`;
  const utc = new Date(Date.parse(`${isoYear}${day}T${clock}Z`) - offsetMs);
  return `${utc.toISOString().slice(0, -'.000Z'.length)}${fraction}+00:00`;
}

/** The same statement, whose times have UTC's offset. Dates and times of day have no offset. */
export function withOffsets(query: SqlQuery): SqlQuery {
  const { args, argTypes } = query;
  return {
    ...query,
    args: args.map((arg, index) => (isTime(argTypes[index]) ? withOffset(arg) : arg)),
    // The adapter would parse what it takes for a time, and write it without its offset again.
    argTypes: argTypes.map((type) => (isTime(type) ? { ...type, scalarType: 'string' } : type)),
  };
}

function isTime(type: ArgType | undefined): boolean {
  return type?.scalarType === 'datetime' && !/^(DATE|TIME|TIMETZ)$/.test(type.dbType ?? '');
}

function withOffset(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withOffset);
  if (typeof value !== 'string' && !isDate(value)) return value;
  // PostgreSQL knows no `+010000`.
  return new Date(value).toISOString().replace(/^\+0?/, '');
}
