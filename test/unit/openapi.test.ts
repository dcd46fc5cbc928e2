import { findBreakingChanges, type OpenApi } from '../../scripts/breaking-changes';

const DOCUMENT: OpenApi = {
  paths: {
    '/orders': {
      get: {
        parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer' } }],
        responses: {
          200: {
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
          },
        },
      },
      post: {
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { id: { type: 'string' }, how: { type: 'string', enum: ['a', 'b'] } },
                required: ['id'],
              },
            },
          },
        },
        responses: { 201: {} },
      },
    },
  },
  components: {
    schemas: {
      Order: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          parts: { type: 'array', items: { $ref: '#/components/schemas/Order' } },
        },
        required: ['id'],
      },
    },
  },
};

/** The document after something was done to its JSON. */
const after = (from: RegExp, to: string) =>
  JSON.parse(JSON.stringify(DOCUMENT).replace(from, to)) as OpenApi;

test('what is as it was, or more, breaks nobody', () => {
  expect(findBreakingChanges(DOCUMENT, DOCUMENT)).toEqual([]);
  const more = after(/"id":\{"type":"string"\}/g, '"id":{"type":"string"},"new":{"type":"string"}');
  expect(findBreakingChanges(DOCUMENT, more)).toEqual([]);
  expect(findBreakingChanges(DOCUMENT, after(/\["a","b"\]/, '["a","b","c"]'))).toEqual([]);
});

test.each([
  ['a path', /"\/orders"/, '"/other"', ['GET /orders is gone', 'POST /orders is gone']],
  ['a method', /"post"/, '"put"', ['POST /orders is gone']],
  ['a parameter', /"limit"/, '"size"', ['GET /orders: parameter limit is gone']],
  [
    'a parameter that is needed',
    /"in":"query"/,
    '"in":"query","required":true',
    ['GET /orders: parameter limit is needed by now'],
  ],
  [
    'a field that is needed',
    /"required":\["id"\]\}\}\}\},"responses":\{"201/,
    '"required":["id","how"]}}}},"responses":{"201',
    ['POST /orders: body.how is needed by now'],
  ],
  [
    'a word that was taken',
    /\["a","b"\]/,
    '["a"]',
    ['POST /orders: body.how: "b" is not taken any more'],
  ],
  ['a status', /"201"/, '"202"', ['POST /orders: 201 is gone']],
  ['an answered field', /"parts"/, '"pieces"', ['GET /orders: 200.parts is gone']],
  [
    'an answered field that was always there',
    /,"required":\["id"\]\}\}\}\}$/,
    '}}}}',
    ['GET /orders: 200.id may be absent by now'],
  ],
  [
    'a type',
    /"type":"integer"/,
    '"type":"string"',
    ['GET /orders: parameter limit was integer, and is string'],
  ],
])('%s that changes is named', (_, from, to, named) => {
  expect(findBreakingChanges(DOCUMENT, after(from, to))).toEqual(named);
});

test('a kind that is answered by now is named, and one that is taken by now is not', () => {
  const nullable = '{"anyOf":[{"type":"integer"},{"type":"null"}]}';
  expect(findBreakingChanges(DOCUMENT, after(/\{"type":"integer"\}/, nullable))).toEqual([]);
  const answered = after(
    /"parts":\{"type":"array","items":(\{[^}]*\})\}/,
    '"parts":{"anyOf":[{"type":"array","items":$1},{"type":"null"}]}',
  );
  expect(findBreakingChanges(DOCUMENT, answered)).toEqual([
    'GET /orders: 200.parts was one of other kinds',
  ]);
  expect(findBreakingChanges(answered, DOCUMENT)).toEqual([]);
  const taken = after(/\{"type":"integer"\}/, nullable);
  expect(findBreakingChanges(taken, DOCUMENT)).toEqual([
    'GET /orders: parameter limit was one of other kinds',
  ]);
});
