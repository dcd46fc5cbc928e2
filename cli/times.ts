/** Times for people are in local time, and name the zone; `--json` has ISO 8601 UTC. */

const PARTS = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
} as const satisfies Intl.DateTimeFormatOptions;

/** A time in a table, to the minute, as wide in every zone: `2026-11-23 13:04+01:00`. */
export function formatTime(time: Date): string {
  const { day, clock, zone } = partsOf(time, { ...PARTS, timeZoneName: 'longOffset' });
  return `${day} ${clock}${zone.replace('GMT', '')}`;
}

/** A time to the second: `2026-11-23 13:04:10 GMT+1`. */
export function formatMoment(time: Date | string): string {
  const { day, clock, zone } = partsOf(new Date(time), { ...PARTS, second: '2-digit' });
  return `${day} ${clock} ${zone}`;
}

/** A time within a sentence, to the second: without the day where that is today's. */
export function formatInSentence(iso: string): string {
  const { day, clock, zone } = partsOf(new Date(iso), { ...PARTS, second: '2-digit' });
  return day === partsOf(new Date(), PARTS).day ? `${clock} ${zone}` : `${day} ${clock} ${zone}`;
}

function partsOf(time: Date, options: Intl.DateTimeFormatOptions) {
  const found = new Intl.DateTimeFormat('en-GB', options).formatToParts(time);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    found.find((each) => each.type === type)?.value ?? '';
  const seconds = options.second ? `:${part('second')}` : '';
  return {
    day: `${part('year')}-${part('month')}-${part('day')}`,
    clock: `${part('hour')}:${part('minute')}${seconds}`,
    zone: part('timeZoneName'),
  };
}
