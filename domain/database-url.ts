/** What other libraries take in a database's URL to choose a schema; PostgreSQL and its driver do not know it. */
const SCHEMA_PARAMETERS = ['schema', 'currentSchema', 'search_path'];

/**
 * Why a database's URL cannot be used, as the end of a sentence that begins with its name; `undefined` where
 * it can. Such a parameter would be ignored in silence, and the tables be in another schema.
 */
export function databaseUrlProblem(url: string): string | undefined {
  const parameters = URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams();
  const found = SCHEMA_PARAMETERS.find((name) => parameters.has(name));
  return (
    found &&
    `must not have the parameter ${found}: give each of the two databases a database of its own, whose tables are in the schema that its role finds first`
  );
}

/** The check of a database's URL in a zod schema. */
export function refineDatabaseUrl(
  url: string,
  context: { addIssue: (message: string) => void },
): void {
  const problem = databaseUrlProblem(url);
  if (problem) context.addIssue(problem);
}
