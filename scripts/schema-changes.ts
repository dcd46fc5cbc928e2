/** What a JSON schema says, as far as it is compared. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

/** Who made a value, and so who must understand it: what is sent to us, or what we answer. */
export type Direction = 'sent' | 'answered';

/** A document, as far as schemas refer to it. */
export interface SchemaDocument {
  components?: { schemas?: Record<string, Schema> };
}

/** Compares the schemas of two documents. */
export class SchemaComparison {
  /** What was found of pairs before, and of those that are being compared: a schema may contain itself. */
  private readonly seen = new Map<string, string[]>();

  constructor(private readonly documents: { before: SchemaDocument; after: SchemaDocument }) {}

  /** Names what whoever was written by the one schema would stumble over by the other. */
  schemas(place: string, direction: Direction, was?: Schema, is?: Schema): string[] {
    if (!was || !is) return was && !is ? [`${place} is gone`] : [];
    if (!was.$ref || !is.$ref) return this.variants(place, direction, was, is);
    const pair = `${direction} ${was.$ref} ${is.$ref}`;
    const known = this.seen.get(pair);
    if (known) return known;
    this.seen.set(pair, []);
    const found = this.variants(place, direction, was, is);
    this.seen.set(pair, found);
    return found;
  }

  private variants(place: string, direction: Direction, was: Schema, is: Schema): string[] {
    const before = this.variantsOf(was, this.documents.before);
    const after = this.variantsOf(is, this.documents.after);
    const [one, other] = [before[0], after[0]];
    if (before.length === 1 && after.length === 1 && one && other) {
      return this.single(place, direction, one, other);
    }
    // What may be sent must be taken still; what may be answered must have been known.
    const fits = (sent: Schema, taken: Schema) =>
      this.single(place, direction, sent, taken).length === 0;
    const isFine =
      direction === 'sent'
        ? before.every((sent) => after.some((taken) => fits(sent, taken)))
        : after.every((answered) => before.some((known) => fits(known, answered)));
    return isFine ? [] : [`${place} was one of other kinds`];
  }

  private single(place: string, direction: Direction, was: Schema, is: Schema): string[] {
    return [
      ...this.fields(place, direction, was, is),
      ...(was.items ? this.schemas(`${place}[]`, direction, was.items, is.items) : []),
      ...wordChanges(place, direction, was, is),
      ...typeChanges(place, direction, was, is),
      ...formatChanges(place, direction, was, is),
      ...limitChanges(place, direction, was, is),
    ];
  }

  private fields(place: string, direction: Direction, was: Schema, is: Schema): string[] {
    const fields = Object.entries(was.properties ?? {}).flatMap(([name, field]) => {
      const now = is.properties?.[name];
      const at = `${place}.${name}`;
      // A record takes whatever field is sent.
      if (!now) return is.properties || direction === 'answered' ? [`${at} is gone`] : [];
      const isOptional = direction === 'answered' && isIn(was, name) && !isIn(is, name);
      return [
        ...(isOptional ? [`${at} may be absent by now`] : []),
        ...this.schemas(at, direction, field, now),
      ];
    });
    if (direction === 'answered') return fields;
    const needed = (is.required ?? []).filter((name) => !isIn(was, name));
    const isClosed = is.additionalProperties === false && was.additionalProperties !== false;
    return [
      ...fields,
      ...needed.map((name) => `${place}.${name} is needed by now`),
      ...(isClosed ? [`${place} takes no unknown field any more`] : []),
    ];
  }

  private variantsOf(schema: Schema, document: SchemaDocument): Schema[] {
    const name = schema.$ref?.split('/').at(-1);
    const found = (name !== undefined && document.components?.schemas?.[name]) || schema;
    const variants = found.anyOf ?? found.oneOf;
    return variants ? variants.flatMap((each) => this.variantsOf(each, document)) : [found];
  }
}

function isIn({ required }: Schema, name: string): boolean {
  return required?.includes(name) ?? false;
}

/** What we answer may have more words by and by; what was taken once must be taken still. */
function wordChanges(place: string, direction: Direction, was: Schema, is: Schema): string[] {
  const [before, after] = [wordsOf(was), wordsOf(is)];
  if (direction === 'answered' || !after) return [];
  if (!before) return [`${place} takes some words only by now`];
  const gone = before.filter((word) => !after.includes(word));
  return gone.map((word) => `${place}: ${JSON.stringify(word)} is not taken any more`);
}

function wordsOf(schema: Schema): unknown[] | undefined {
  return 'const' in schema ? [schema.const] : schema.enum;
}

function typeChanges(place: string, direction: Direction, was: Schema, is: Schema): string[] {
  const [before, after] = [typesOf(was), typesOf(is)];
  const [made, known] = direction === 'sent' ? [before, after] : [after, before];
  if (!known) return [];
  const isKnown = (type: string) =>
    known.includes(type) || (type === 'integer' && known.includes('number'));
  if (made?.every(isKnown)) return [];
  const named = (types = ['anything']) => types.join(' or ');
  return [`${place} was ${named(before)}, and is ${named(after)}`];
}

function typesOf({ type }: Schema): string[] | undefined {
  return typeof type === 'string' ? [type] : type;
}

/** Of a format, its pattern is a detail. */
function formatChanges(place: string, direction: Direction, was: Schema, is: Schema): string[] {
  const [before, after] = [was.format ?? was.pattern, is.format ?? is.pattern];
  const known = direction === 'sent' ? after : before;
  return known === undefined || before === after
    ? []
    : [`${place} was of the form ${before ?? 'any'}, and is of ${after ?? 'any'}`];
}

const LOWER = ['minLength', 'minimum', 'minItems'] as const;
const UPPER = ['maxLength', 'maximum', 'maxItems'] as const;

/** What was taken must be taken still; what is answered stays within what was known. */
function limitChanges(place: string, direction: Direction, was: Schema, is: Schema): string[] {
  const [made, known] = direction === 'sent' ? [was, is] : [is, was];
  const broken = [
    ...LOWER.filter((limit) => (made[limit] ?? -Infinity) < (known[limit] ?? -Infinity)),
    ...UPPER.filter((limit) => (made[limit] ?? Infinity) > (known[limit] ?? Infinity)),
  ];
  return broken.map(
    (limit) => `${place}: ${limit} was ${was[limit] ?? 'none'}, and is ${is[limit] ?? 'none'}`,
  );
}
