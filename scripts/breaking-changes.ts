/** What a JSON schema says, as far as it is compared. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
}

interface Content {
  content?: Record<string, { schema?: Schema } | undefined>;
}

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: Content & { required?: boolean };
  responses?: Record<string, Content | undefined>;
}

/** An OpenAPI document, as far as it is compared. */
export interface OpenApi {
  paths?: Record<string, Record<string, Operation | undefined> | undefined>;
  components?: { schemas?: Record<string, Schema> };
}

/** Who made a value, and so who must understand it: what is sent to us, or what we answer. */
type Direction = 'sent' | 'answered';

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
  const compare = new Comparison(documents);
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

class Comparison {
  /** Pairs that are being compared already: a schema may contain itself. */
  private readonly seen = new Set<string>();

  constructor(private readonly documents: Documents) {}

  schemas(place: string, direction: Direction, was?: Schema, is?: Schema): string[] {
    if (!was || !is) return was && !is ? [`${place} is gone`] : [];
    const pair = `${direction} ${was.$ref} ${is.$ref}`;
    if (was.$ref && is.$ref) {
      if (this.seen.has(pair)) return [];
      this.seen.add(pair);
    }
    const one = this.resolved(was, this.documents.before);
    const other = this.resolved(is, this.documents.after);
    return [
      ...this.fields(place, direction, one, other),
      ...(one.items ? this.schemas(`${place}[]`, direction, one.items, other.items) : []),
      ...enumChanges(place, direction, one, other),
      ...typeChanges(place, one, other),
    ];
  }

  private fields(place: string, direction: Direction, was: Schema, is: Schema): string[] {
    const fields = Object.entries(was.properties ?? {}).flatMap(([name, field]) => {
      const now = is.properties?.[name];
      const at = `${place}.${name}`;
      if (!now) return is.properties ? [`${at} is gone`] : [];
      const isOptional = direction === 'answered' && isIn(was, name) && !isIn(is, name);
      return [
        ...(isOptional ? [`${at} may be absent by now`] : []),
        ...this.schemas(at, direction, field, now),
      ];
    });
    const needed =
      direction === 'sent' ? (is.required ?? []).filter((name) => !isIn(was, name)) : [];
    return [...fields, ...needed.map((name) => `${place}.${name} is needed by now`)];
  }

  private resolved(schema: Schema, { components }: OpenApi): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return (name !== undefined && components?.schemas?.[name]) || schema;
  }
}

function isIn({ required }: Schema, name: string): boolean {
  return required?.includes(name) ?? false;
}

/** What we answer may have more words by and by; what was taken once must be taken still. */
function enumChanges(place: string, direction: Direction, was: Schema, is: Schema): string[] {
  if (direction === 'answered' || !was.enum || !is.enum) return [];
  const gone = was.enum.filter((word) => !is.enum?.includes(word));
  return gone.map((word) => `${place}: ${JSON.stringify(word)} is not taken any more`);
}

function typeChanges(place: string, was: Schema, is: Schema): string[] {
  if (was.type === undefined || is.type === undefined) return [];
  const [before, after] = [String(was.type), String(is.type)];
  return before === after ? [] : [`${place} was ${before}, and is ${after}`];
}
