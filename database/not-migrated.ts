/**
 * Whether an error says that the database lacks a table or a column, which a migration brings: by
 * Prisma's code (P2021, P2022) or, in a statement of our own, by PostgreSQL's (42P01, 42703).
 */
export function isNotMigrated(error: unknown): boolean {
  const { code, meta } = (error ?? {}) as { code?: unknown; meta?: unknown };
  return /P2021|P2022|42P01|42703/.test(`${String(code)} ${JSON.stringify(meta ?? '')}`);
}
