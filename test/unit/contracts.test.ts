import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { EXCHANGES, QUEUES, deadLetterQueueOf } from '../../domain/amqp-names';
import { ACKNOWLEDGEMENT_TYPE } from '../../domain/messages/acknowledgement';
import { DISPATCH_REQUEST_TYPE } from '../../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE } from '../../domain/messages/withdrawal';
import { HEALTH_CHECKED_TYPE } from '../../domain/messages/health-checked';
import { OUTCOME_EVENT_TYPES } from '../../domain/outcome-events';
import { parseNewOrder } from '../../domain/order';
import { parsePolicyOverrides } from '../../domain/policy';
import { ASYNCAPI_FILE, type AsyncApi } from '../../scripts/asyncapi';
import { findContractChanges, readContracts } from '../../scripts/contract-changes';
import { contractFiles } from '../../scripts/contract-files';
import { readLastRelease } from '../../scripts/last-release';
import { MESSAGE_CONTRACTS } from '../../scripts/message-contracts';
import type { Schema } from '../../scripts/schema-changes';
import { ROOT } from '../markdown';

const FOLDER = join(ROOT, 'contracts');
const FILES: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => [name, readFileSync(join(FOLDER, name), 'utf8')]),
);

function readJson(name: string): unknown {
  return JSON.parse(FILES.get(name) ?? '');
}

describe('the contracts', () => {
  test('are those of the code', () => {
    expect(FILES).toEqual(contractFiles());
  });

  test('are of every message', () => {
    expect(MESSAGE_CONTRACTS.map(({ type }) => type)).toEqual([
      DISPATCH_REQUEST_TYPE,
      WITHDRAWAL_TYPE,
      ACKNOWLEDGEMENT_TYPE,
      ...OUTCOME_EVENT_TYPES,
      HEALTH_CHECKED_TYPE,
    ]);
  });

  test.each(MESSAGE_CONTRACTS)(
    'the example of $type is what its reader takes',
    ({ type, body }) => {
      const example = readJson(`${type}.example.json`) as Record<string, unknown>;
      expect(body.parse(example)).toEqual(example);
    },
  );

  test('the order and the policy of the request’s example are valid', () => {
    const { order, policy } = readJson(`${DISPATCH_REQUEST_TYPE}.example.json`) as {
      order: unknown;
      policy: unknown;
    };
    expect(parseNewOrder(order)).toEqual(order);
    expect(parsePolicyOverrides(policy)).toEqual(policy);
  });

  test.each(MESSAGE_CONTRACTS)(
    'the schema of $type needs what its reader needs, and takes unknown fields',
    ({ type, body }) => {
      const example = readJson(`${type}.example.json`) as Record<string, unknown>;
      const { properties = {}, required, ...schema } = readJson(`${type}.schema.json`) as Schema;
      const needed = Object.keys(properties).filter(
        (field) => !body.safeParse({ ...example, [field]: undefined }).success,
      );
      // With the outcome of the example, the courier is needed, too: that is in the description.
      const rules = type === ACKNOWLEDGEMENT_TYPE ? ['courierId'] : [];
      expect([...(required ?? []), ...rules].sort()).toEqual(needed.sort());
      expect(schema).not.toHaveProperty('additionalProperties');
      expect(body.safeParse({ ...example, ofALaterVersion: 1 }).success).toBe(true);
    },
  );
});

describe('the AsyncAPI document', () => {
  const { channels, operations, components } = readJson(ASYNCAPI_FILE) as AsyncApi;
  const bindings = Object.values(channels).map((channel) => ({
    ...channel.bindings.amqp,
    address: channel.address,
  }));

  test('names every exchange and every queue, and no other', () => {
    const exchanges = bindings.flatMap((one) => (one.is === 'routingKey' ? [one.exchange] : []));
    expect(new Set(exchanges.map(({ name }) => name))).toEqual(new Set(Object.values(EXCHANGES)));
    const queues = bindings.flatMap((one) => (one.is === 'queue' ? [one.queue.name] : []));
    expect(queues.sort()).toEqual(
      Object.values(QUEUES)
        .flatMap((queue) => [queue, deadLetterQueueOf(queue)])
        .sort(),
    );
  });

  test('routes each message as it is routed', () => {
    const routes = bindings.flatMap((one) =>
      one.is === 'routingKey' ? [[one.exchange.name, one.exchange.type, one.address]] : [],
    );
    expect(routes).toEqual([
      [EXCHANGES.requests, 'topic', DISPATCH_REQUEST_TYPE],
      [EXCHANGES.requests, 'topic', WITHDRAWAL_TYPE],
      [EXCHANGES.acknowledgements, 'direct', null],
      ...[...OUTCOME_EVENT_TYPES, HEALTH_CHECKED_TYPE].map((type) => [
        EXCHANGES.events,
        'topic',
        type,
      ]),
      [EXCHANGES.sharedAcknowledgements, 'fanout', null],
    ]);
    const inQueue = (queue: string) => Object.keys(channels[queue]?.messages ?? {});
    for (const queue of [QUEUES.dispatchRequests, QUEUES.supplementRequests]) {
      expect(inQueue(queue)).toEqual([DISPATCH_REQUEST_TYPE, WITHDRAWAL_TYPE]);
      expect(inQueue(deadLetterQueueOf(queue))).toEqual(inQueue(queue));
    }
    expect(inQueue(QUEUES.acknowledgements)).toEqual([ACKNOWLEDGEMENT_TYPE]);
  });

  test('says who sends what, by its type', () => {
    const types = MESSAGE_CONTRACTS.map(({ type }) => type);
    expect(Object.keys(components.messages)).toEqual(types);
    const sent = Object.entries(operations).filter(([, { action }]) => action === 'send');
    expect(sent.map(([type]) => type)).toEqual(
      types.filter((type) => type !== ACKNOWLEDGEMENT_TYPE),
    );
    // The dispatch system reads these.
    expect(operations).not.toHaveProperty([QUEUES.dispatchRequests]);
  });

  test('every reference leads somewhere', () => {
    const text = FILES.get(ASYNCAPI_FILE) ?? '';
    const document: unknown = JSON.parse(text);
    const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, to = '']) => to);
    const broken = references.filter((to) => {
      if (to.startsWith('./')) return !FILES.has(to.slice(2));
      let place: unknown = document;
      for (const name of to.split('/').slice(1)) {
        place = (place as Record<string, unknown> | undefined)?.[name];
      }
      return place === undefined;
    });
    expect(references.length).toBeGreaterThan(30);
    expect(broken).toEqual([]);
  });
});

describe('since the last release', () => {
  test('nothing that others build on is gone or another', async () => {
    const released = readContracts((await readLastRelease()).files);
    expect(released.schemas.size).toBeGreaterThan(2);
    expect(Object.keys(released.channels).length).toBeGreaterThan(released.schemas.size);
    expect(findContractChanges(released, readContracts(FILES), MESSAGE_CONTRACTS)).toEqual([]);
  });

  type Row = [what: string, file: string, from: RegExp, to: string, named: string[]];
  const REQUEST = `${DISPATCH_REQUEST_TYPE}.schema.json`;
  const ANSWER = `${ACKNOWLEDGEMENT_TYPE}.schema.json`;
  const CANCELLED = 'order.cancelled.v1.schema.json';
  const ESCALATED = 'order.escalated.v1.schema.json';

  /** What is named where something was done to the text of a file. */
  const changes = (file: string, from: RegExp, to: string) => {
    const text = FILES.get(file) ?? '';
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    const after = readContracts(new Map([...FILES, [file, changed]]));
    return findContractChanges(readContracts(FILES), after, MESSAGE_CONTRACTS);
  };

  test('nothing changed', () => {
    const contracts = readContracts(FILES);
    expect(findContractChanges(contracts, contracts, MESSAGE_CONTRACTS)).toEqual([]);
  });

  test('a message that is gone is named, and a new one is not', () => {
    const all = readContracts(FILES);
    const schemas = new Map([...all.schemas].filter(([type]) => type !== WITHDRAWAL_TYPE));
    const fewer = { ...all, schemas };
    expect(findContractChanges(all, fewer, MESSAGE_CONTRACTS)).toEqual([
      'dispatch.withdraw.v1 is gone',
    ]);
    const others = MESSAGE_CONTRACTS.filter(({ type }) => type !== WITHDRAWAL_TYPE);
    expect(findContractChanges(all, all, others)).toEqual(['dispatch.withdraw.v1 is gone']);
    expect(findContractChanges(fewer, all, MESSAGE_CONTRACTS)).toEqual([]);
  });

  test.each<Row>([
    ['a field', REQUEST, /"policy"/, '"tries"', [`${DISPATCH_REQUEST_TYPE}.policy is gone`]],
    [
      'a field that we read and others must send by now',
      ANSWER,
      /"decidedAt"\n {2}\]/,
      '"decidedAt", "detail"]',
      [`${ACKNOWLEDGEMENT_TYPE}.detail is needed by now`],
    ],
    [
      'a field that our own readers need by now, which older messages may not have',
      REQUEST,
      /"order"\n {2}\]/,
      '"order", "policy"]',
      [`${DISPATCH_REQUEST_TYPE}.policy is needed by now`],
    ],
    [
      'a field that others could rely on',
      CANCELLED,
      /"status"\n {2}\]/,
      '"at"]',
      ['order.cancelled.v1.status may be absent by now'],
    ],
    [
      'a word that we took',
      ANSWER,
      /"withdrawn",\n {8}"withdrawalRefused"/,
      '"withdrawn"',
      [`${ACKNOWLEDGEMENT_TYPE}.outcome: "withdrawalRefused" is not taken any more`],
    ],
    [
      'a word that an event had',
      ESCALATED,
      /"placed",/,
      '',
      ['order.escalated.v1.status: "placed" is not taken any more'],
    ],
    [
      'a word that is another',
      CANCELLED,
      /"const": "cancelled"/,
      '"const": "off"',
      ['order.cancelled.v1.status: "cancelled" is not taken any more'],
    ],
    [
      'a text that takes some words only',
      ANSWER,
      /"maxLength": 2000/,
      '"maxLength": 2000, "enum": ["late"]',
      [`${ACKNOWLEDGEMENT_TYPE}.detail takes some words only by now`],
    ],
    [
      'a type',
      ANSWER,
      /"type": "integer"/,
      '"type": "string"',
      [`${ACKNOWLEDGEMENT_TYPE}.retryAfterMs was integer, and is string`],
    ],
    [
      'a type of what others read that is wider by now',
      CANCELLED,
      /"orderId": \{\n {6}"type": "string"/,
      '"orderId": { "type": ["string", "null"]',
      ['order.cancelled.v1.orderId was string, and is string or null'],
    ],
    [
      'a limit that is tighter',
      ANSWER,
      /"maxLength": 2000/,
      '"maxLength": 100',
      [`${ACKNOWLEDGEMENT_TYPE}.detail: maxLength was 2000, and is 100`],
    ],
    [
      'a limit of what others read that is looser',
      REQUEST,
      /"maxLength": 64/,
      '"maxLength": 100',
      [`${DISPATCH_REQUEST_TYPE}.orderId: maxLength was 64, and is 100`],
    ],
    [
      'a form',
      CANCELLED,
      /"format": "date-time"/,
      '"format": "date"',
      ['order.cancelled.v1.at was of the form date-time, and is of date'],
    ],
    [
      'unknown fields that are refused',
      ANSWER,
      /"type": "object"/,
      '"type": "object", "additionalProperties": false',
      [`${ACKNOWLEDGEMENT_TYPE} takes no unknown field any more`],
    ],
    [
      'a queue',
      ASYNCAPI_FILE,
      /"supplement\.requests": \{\n {6}"address"/,
      '"supplement.copies": {\n      "address"',
      ['channel supplement.requests is gone'],
    ],
    [
      'an exchange',
      ASYNCAPI_FILE,
      /"type": "fanout"/,
      '"type": "topic"',
      [
        expect.stringMatching(
          /^channel order-dispatch\.acknowledgements\.shared was .*fanout.*topic/,
        ),
      ],
    ],
    [
      'a routing key',
      ASYNCAPI_FILE,
      /"address": "order.cancelled.v1"/,
      '"address": "order.off.v1"',
      [expect.stringMatching(/^channel order\.cancelled\.v1 was .*, and is .*order\.off\.v1/)],
    ],
    [
      'what a queue has',
      ASYNCAPI_FILE,
      /("description": "What the dispatch system reads.",\s+"messages": \{\s+)"dispatch.request.v1"/,
      '$1"other"',
      ['channel dispatch.requests has no dispatch.request.v1 any more'],
    ],
  ])('%s: refused', (_, file, from, to, named) => {
    expect(changes(file, from, to)).toEqual(named);
  });

  test.each<[what: string, file: string, from: RegExp, to: string]>([
    ['a new field', REQUEST, /"policy": \{/, '"new": { "type": "string" }, "policy": {'],
    ['a new word of an event', ESCALATED, /"placed",/, '"placed", "paused",'],
    ['a new word that we take', ANSWER, /"withdrawn",/, '"withdrawn", "later",'],
    ['a field that we no longer need', ANSWER, /,\n {4}"decidedAt"\n/, '\n'],
    ['a type of what we read that is wider', ANSWER, /"type": "integer"/, '"type": "number"'],
    ['a limit of what we read that is looser', ANSWER, /"maxLength": 2000/, '"maxLength": 9000'],
    ['another description', REQUEST, /"description": "/, '"description": "In short: '],
  ])('%s: breaks nobody', (_, file, from, to) => {
    expect(changes(file, from, to)).toEqual([]);
  });
});
