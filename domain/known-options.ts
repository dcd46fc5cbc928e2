import { InvalidConfiguration } from './errors';

/**
 * Refuses an option that nobody would read: a slip of the pen must not pass for a setting.
 *
 * @param known every option that there is.
 * @throws {@link InvalidConfiguration} that names what is not known.
 */
export function refuseUnknownOptions(
  what: string,
  options: object,
  known: Readonly<Record<string, true>>,
): void {
  const isObject = typeof options === 'object' && options !== null;
  const unknown = isObject
    ? Object.keys(options).filter((name) => !Object.hasOwn(known, name))
    : [];
  if (isObject && unknown.length === 0) return;
  const problem = isObject ? `has no option ${unknown.join(', ')}` : 'takes an object of options';
  throw new InvalidConfiguration(`${what} ${problem}: it has ${Object.keys(known).join(', ')}`);
}
