/** Deepest nesting of `details`; what is deeper overflows the stack of who reads it. */
const MAXIMUM_DEPTH = 100;

/** Where a value is not JSON, and why; never the value itself. */
export interface NotJson {
  path: (string | number)[];
  why: string;
}

/** The first place where a value could not be carried as JSON unchanged. */
export function findNotJson(value: unknown, path: (string | number)[] = []): NotJson | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : { path, why: `is ${value}, which JSON has not` };
  }
  if (value === undefined) return { path, why: 'is undefined: leave it out' };
  if (typeof value !== 'object') return { path, why: `is a ${typeof value}, which JSON has not` };
  if (path.length >= MAXIMUM_DEPTH) {
    return {
      path: path.slice(0, 3),
      why: `is nested more than ${MAXIMUM_DEPTH} deep, or in itself`,
    };
  }
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) {
      const found = findNotJson(each, [...path, index]);
      if (found) return found;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm, such as a test's, has another Object.prototype.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    return { path, why: `is a ${value.constructor.name}, not a plain object` };
  }
  for (const [key, field] of Object.entries(value)) {
    const found = findNotJson(field, [...path, key]);
    if (found) return found;
  }
  return undefined;
}
