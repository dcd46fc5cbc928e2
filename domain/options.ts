import { z } from 'zod';
import { refineDatabaseUrl } from './database-url';
import { describeIssues } from './describe-issues';
import { InvalidConfiguration } from './errors';

/** What each option of some call may be; an option that is not listed is refused. */
export type OptionsShape<Options> = Record<keyof Options, z.ZodType>;

/**
 * Checks the options that a developer gave: a slip of the pen must not pass for a setting.
 *
 * @param what the call that takes them.
 * @throws {@link InvalidConfiguration} that names each option that is not known, missing or wrong.
 */
export function checkOptions<Options extends object>(
  what: string,
  options: Options,
  shape: OptionsShape<Options>,
): void {
  const names = Object.keys(shape).join(', ');
  if (typeof options !== 'object' || (options as Options | null) === null) {
    throw new InvalidConfiguration(`${what} takes an object of options: it has ${names}`);
  }
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(shape, name));
  if (unknown.length > 0) {
    throw new InvalidConfiguration(`${what} has no option ${unknown.join(', ')}: it has ${names}`);
  }
  const checked = z.object(shape).safeParse(options);
  if (!checked.success) throw new InvalidConfiguration(describeIssues(checked.error, what));
}

/** An option that only its type is known of. */
export const anyOption = z.unknown().optional();

/** A whole number of something. */
export const countOption = z.int().min(1);

/** The place of Temporal's frontend. */
export const addressOption = z.string().refine(isHostAndPort, {
  error: 'must be a host, or host:port, such as localhost:7233',
});

/** A Temporal namespace. */
export const namespaceOption = z.string().min(1, { error: 'must not be empty' });

/** Where RabbitMQ is. */
export const amqpUrlOption = z.url({
  protocol: /^amqps?$/,
  error: 'must be an AMQP URL, such as amqp://user:password@localhost:5672',
});

/** Where a PostgreSQL database is. */
export const postgresUrlOption = z
  .url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a PostgreSQL URL, such as postgresql://user:password@localhost:5432/orders',
  })
  .superRefine(refineDatabaseUrl);

function isHostAndPort(address: string): boolean {
  const url = `tcp://${address}`;
  return address !== '' && URL.canParse(url) && new URL(url).host === address;
}
