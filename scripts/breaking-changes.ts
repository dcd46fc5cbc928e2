import { SchemaComparison, type Schema, type SchemaDocument } from './schema-changes';

interface Content {
  content?: Record<string, { schema?: Schema } | undefined>;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: Content & { required?: boolean };
  responses?: Record<string, Content | undefined>;
}

/** An OpenAPI document, as far as it is compared. */
export interface OpenApi extends SchemaDocument {
  paths?: Record<string, Record<string, Operation | undefined> | undefined>;
}

/**
 * Names what a program that was written by one description would stumble over by the next: paths,
 * methods and fields that are gone, and what must be sent by now.
 */
export function findBreakingChanges(before: OpenApi, after: OpenApi): string[] {
  const found: string[] = [];
  for (const [path, methods] of Object.entries(before.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods ?? {})) {
      const name = `${method.toUpperCase()} ${path}`;
      const now = after.paths?.[path]?.[method];
      if (!now) found.push(`${name} is gone`);
      else if (operation) found.push(...operationChanges(name, { before, after }, operation, now));
    }
  }
  return [...new Set(found)];
}

interface Documents {
  before: OpenApi;
  after: OpenApi;
}

function operationChanges(
  name: string,
  documents: Documents,
  was: Operation,
  is: Operation,
): string[] {
  const { parameters = [] } = was;
  const now = is.parameters ?? [];
  const same = (one: { name: string; in: string }) =>
    now.find((other) => other.name === one.name && other.in === one.in);
  const compare = new SchemaComparison(documents);
  return [
    ...parameters.flatMap((one) => {
      const place = `${name}: parameter ${one.name}`;
      const other = same(one);
      return other
        ? compare.schemas(place, 'sent', one.schema, other.schema)
        : [`${place} is gone`];
    }),
    ...now.flatMap((other) =>
      other.required && !parameters.some((one) => one.name === other.name && one.required)
        ? [`${name}: parameter ${other.name} is needed by now`]
        : [],
    ),
    ...(is.requestBody?.required && !was.requestBody?.required
      ? [`${name}: a body is needed by now`]
      : []),
    ...compare.schemas(`${name}: body`, 'sent', bodyOf(was.requestBody), bodyOf(is.requestBody)),
    ...Object.entries(was.responses ?? {}).flatMap(([status, answer]) => {
      const place = `${name}: ${status}`;
      const other = is.responses?.[status];
      if (!other) return [`${place} is gone`];
      return compare.schemas(place, 'answered', bodyOf(answer), bodyOf(other));
    }),
  ];
}

function bodyOf(content: Content | undefined): Schema | undefined {
  return Object.values(content?.content ?? {})[0]?.schema;
}
