import * as fc from 'fast-check';
import type { ArgType } from '@prisma/driver-adapter-utils';
import { toUtc, withOffsets } from '../../database/utc-times';

describe('a time that comes from PostgreSQL', () => {
  test.each([
    ['2026-11-30 12:00:00+00', '2026-11-30T12:00:00+00:00'],
    ['2026-11-30 07:00:00.123-05', '2026-11-30T12:00:00.123+00:00'],
    ['2026-11-30 17:30:00.123456+05:30', '2026-11-30T12:00:00.123456+00:00'],
    ['2026-11-30 23:30:00.5-03:30', '2026-12-01T03:00:00.5+00:00'],
    ['1850-01-01 00:00:00+05:53:28', '1849-12-31T18:06:32+00:00'],
    ['0001-01-01 05:00:00+05', '0001-01-01T00:00:00+00:00'],
    ['9999-12-31 23:00:00-05', '+010000-01-01T04:00:00+00:00'],
    ['10000-01-01 04:00:00+00', '+010000-01-01T04:00:00+00:00'],
  ])('%s is %s', (written, utc) => {
    expect(toUtc(written)).toBe(utc);
  });

  test('is the same moment whichever offset it is written with, to the microsecond', () => {
    const moment = fc.record({
      atMs: fc.integer({ min: Date.UTC(1000, 0), max: Date.UTC(9000, 0) }),
      microseconds: fc.integer({ min: 0, max: 999 }),
      offset: fc.integer({ min: -57_599, max: 57_599 }),
    });
    fc.assert(
      fc.property(moment, ({ atMs, microseconds, offset }) => {
        const part = (number: number) => String(Math.floor(number)).padStart(2, '0');
        const size = Math.abs(offset);
        const parts = [part(size / 3_600), part((size / 60) % 60), part(size % 60)];
        const [day, clock] = new Date(atMs + offset * 1_000).toISOString().split('T');
        const end = String(microseconds).padStart(3, '0');
        const written = `${day} ${clock?.replace('Z', end)}${offset < 0 ? '-' : '+'}${parts.join(':')}`;
        expect(toUtc(written)).toBe(new Date(atMs).toISOString().replace('Z', `${end}+00:00`));
      }),
    );
  });

  test.each(['infinity', '-infinity', '0044-03-15 12:00:00+00 BC', '30.11.2026 12:00:00 EST', ''])(
    'is refused if it cannot be told which moment it is: %s',
    (written) => {
      expect(() => toUtc(written)).toThrow(/DateStyle/);
    },
  );
});

describe('a time that goes to PostgreSQL', () => {
  const sent = (arg: unknown, type: Partial<ArgType> = {}) => {
    const argType: ArgType = { scalarType: 'datetime', arity: 'scalar', ...type };
    const { args, argTypes } = withOffsets({ sql: 'SELECT $1', args: [arg], argTypes: [argType] });
    return { arg: args[0], scalarType: argTypes[0]?.scalarType };
  };

  test.each([
    ['a date', new Date('2026-11-30T12:00:00.123Z'), '2026-11-30T12:00:00.123Z'],
    ['a text', '2026-11-30T07:00:00.123-05:00', '2026-11-30T12:00:00.123Z'],
    ['a far one', new Date('+010000-01-01T04:00:00Z'), '10000-01-01T04:00:00.000Z'],
    ['none', null, null],
  ])('has an offset: %s', (_what, given, arg) => {
    expect(sent(given)).toEqual({ arg, scalarType: 'string' });
    expect(sent(given, { dbType: 'TIMESTAMPTZ' })).toEqual({ arg, scalarType: 'string' });
    expect(sent([given], { arity: 'list' })).toEqual({ arg: [arg], scalarType: 'string' });
  });

  test.each(['DATE', 'TIME', 'TIMETZ'])('stays as it is if it is a %s', (dbType) => {
    const arg = new Date();
    expect(sent(arg, { dbType })).toEqual({ arg, scalarType: 'datetime' });
  });

  test.each(['string', 'json', 'unknown'] as const)(
    'is no %s that looks like one',
    (scalarType) => {
      const arg = '2026-11-30T12:00:00-05:00';
      expect(sent(arg, { scalarType })).toEqual({ arg, scalarType });
    },
  );
});
