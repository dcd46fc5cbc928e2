import type { z } from 'zod';

/**
 * One line for a person from a zod error: each bad field by its path, and what is wrong with it.
 * Never the value, which may be personal data.
 */
export function describeIssues(error: z.ZodError, root: string): string {
  return error.issues
    .map(({ path, message }) => `${fieldName(root, path)}: ${plain(message)}`)
    .join('; ');
}

/** Zod takes a field that is missing for one of another type. */
function plain(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message;
}

function fieldName(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : `${name}.${String(key)}`),
    root,
  );
}
