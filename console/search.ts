/** The part of a page's URL behind `?`: plain words, so that it can be read, typed and shared. */
export type Search<Name extends string> = Partial<Record<Name, string>>;

/** Reads of a URL what the page knows, and leaves the rest out. */
export function searchOf<Name extends string>(
  ...names: readonly Name[]
): (search: Record<string, unknown>) => Search<Name> {
  return (search) => {
    const known: Search<Name> = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' && value !== '') known[name] = value;
    }
    return known;
  };
}

/** For the router, which else would write JSON. */
export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

/** For the router, which else would write JSON. */
export function stringifySearch(search: Record<string, unknown>): string {
  const entries = Object.entries(search).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  const text = new URLSearchParams(entries).toString();
  return text === '' ? '' : `?${text}`;
}
