import type { z } from 'zod';

/**
 * One line for a person from a zod error: each bad field by its path, and what is wrong with it.
 * Never the value, which may be personal data.
 */
export function describeIssues(error: z.ZodError, root: string): string {
  return error.issues.map((issue) => `${fieldName(root, issue.path)}: ${issue.message}`).join('; ');
}

function fieldName(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : `${name}.${String(key)}`),
    root,
  );
}
