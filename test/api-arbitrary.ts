import fc, { type Arbitrary } from 'fast-check';

/** What an OpenAPI document says of a route's inputs, as far as it is used here. */
export interface JsonSchema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
  minItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

/** Text that has broken servers before. */
const odd = fc.oneof(
  fc.constantFrom(
    '',
    '%',
    '_',
    '\\',
    '\u0000',
    '\ud800',
    "' OR 1=1 --",
    '../../etc',
    '-1',
    '1e999',
  ),
  fc.constantFrom('0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'NaN', 'null', '\u202e', '💥'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ minLength: 300, maxLength: 3_000 }),
);

/** Values that fit a schema, mostly. */
function fitting(schema: JsonSchema): Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting));
  switch (schema.type) {
    case 'string':
      return fittingText(schema);
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? -10,
        max: Math.min(schema.maximum ?? 1_000, 1_000),
      });
    case 'number':
      return fc.integer({ min: Math.ceil(schema.minimum ?? 0), max: schema.maximum ?? 1_000 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(fitting(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: 3,
      });
    case 'object': {
      const fields = Object.entries(schema.properties ?? {}).map(
        // Of what its schema does not say all of.
        ([name, field]) =>
          [name, name === 'currency' ? fc.constant('EUR') : fitting(field)] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
    }
    default:
      return fc.jsonValue();
  }
}

function fittingText({ format, pattern, minLength = 0, maxLength = 40 }: JsonSchema) {
  if (format === 'date-time') {
    const range = { min: new Date('1990-01-01'), max: new Date('2200-01-01'), noInvalidDate: true };
    return fc.date(range).map((date) => date.toISOString());
  }
  if (format === 'uuid') return fc.uuid();
  if (pattern !== undefined && !pattern.includes('\\p')) {
    return fc.stringMatching(new RegExp(pattern, 'u')).map((text) => text.slice(0, 200));
  }
  return fc.string({ unit: 'grapheme-ascii', minLength, maxLength: Math.min(maxLength, 60) });
}

/** Values that fit, and values that do not, in places or as a whole. */
export function fittingOrNot(schema: JsonSchema): Arbitrary<unknown> {
  const broken = fc.tuple(fitting(schema), odd, fc.nat()).map(([value, text, nth]) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return text;
    const names = [...Object.keys(value), 'actor'];
    return { ...value, [names[nth % names.length] ?? 'actor']: text };
  });
  return fc.oneof(
    { weight: 4, arbitrary: fitting(schema) },
    { weight: 3, arbitrary: broken },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
}
