import pLimit from 'p-limit';
import { orderIdOfWorkflow } from '../../domain/temporal-names';
import { patience } from '../patience';
import { eventually, isLongRun } from '../setup';
import { walkWithCanary, type CanaryWalk } from '../canary-walk';

jest.setTimeout(patience(isLongRun ? 300_000 : 60_000));

/** How many orders have the secret. */
const ORDERS = isLongRun ? 200 : 28;

/** Something that was looked at: where it is, and what it says. */
interface Place {
  where: string;
  text: string;
}

/** A workflow execution as Temporal has it: nothing of it is decoded. */
interface Execution {
  workflowId: string;
  description: unknown;
  events: readonly unknown[];
}

/** What an order's workflow is given and gives, and its activities: the order itself is in it. */
const BY_DESIGN = new Set(['input', 'result', 'markerRecordedEventAttributes', 'outcome']);

const KINDS = [
  { name: 'without a codec', codec: false },
  { name: 'with a codec', codec: true },
];

/** Those of {@link KINDS} that reached their end, by whether there is a codec. */
const walks = new Map<boolean, CanaryWalk>();
beforeAll(async () => {
  const walkOne = async ({ codec }: (typeof KINDS)[number]) => {
    walks.set(codec, await walkWithCanary({ orders: ORDERS, codec }));
  };
  // Most of a short walk is waiting, so they go side by side; a long one needs the machine.
  const atOnce = pLimit(isLongRun ? 1 : KINDS.length);
  const walked = await Promise.allSettled(KINDS.map((kind) => atOnce(() => walkOne(kind))));
  const failed = walked.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason as Error;
});
afterAll(() => Promise.all([...walks.values()].map((walk) => walk.close())));

describe.each(KINDS)('nothing personal leaks, $name:', ({ codec }) => {
  let walk: CanaryWalk;
  let executions: Execution[];
  beforeAll(async () => {
    const walked = walks.get(codec);
    if (!walked) throw new Error('nobody walked');
    walk = walked;
    executions = await readExecutions(walk);
  });

  const tellers = (places: readonly Place[]) =>
    places.filter(({ text }) => text.includes(walk.canary)).map(around(() => walk.canary));
  const rows = async (statement: string): Promise<Place[]> =>
    (await walk.orders.$queryRawUnsafe<{ text: string }[]>(statement)).map(({ text }, index) => ({
      where: `row ${index + 1}`,
      text,
    }));

  test('the secret is in every order’s row, where a search finds it', async () => {
    const all = await walk.orders.order.findMany();
    const ours = [...walk.placed.values()].flat();
    expect(ours.length).toBeGreaterThan(ORDERS / 2);
    const ofOurs = all.filter(({ orderId }) => ours.some((order) => order.orderId === orderId));
    expect(ofOurs).toHaveLength(ours.length);
    const places = ofOurs.map(({ orderId, order }) => ({
      where: orderId,
      text: JSON.stringify(order),
    }));
    expect(tellers(places)).toHaveLength(ours.length);
  });

  test.each(['worker', 'dispatch-system', 'supplement', 'api'])(
    'in no log line of the %s process',
    (name) => {
      const lines = linesOf(walk, name);
      expect(tellers(lines)).toEqual([]);
      expect(lines.length).toBeGreaterThan(5);
      const said = lines.map(({ text }) => text).join('\n');
      // What has no secret in it is said all the same.
      for (const what of SAYS[name] ?? []) expect(said).toContain(what);
    },
  );

  test('in no metric of any process', async () => {
    const places = await Promise.all(
      walk.running.map(async ({ name, process }) => {
        const port = /"healthPort":(\d+)/.exec(process.output())?.[1];
        const response = await fetch(`http://127.0.0.1:${port}/metrics`);
        return { where: name, text: await response.text() };
      }),
    );
    expect(tellers(places)).toEqual([]);
    for (const { text } of places) expect(text).toContain('order_dispatch_ready 1');
  });

  test('in no outcome event', async () => {
    const places = await rows(
      "SELECT concat_ws(E'\\n', type, subject, body, refusal) AS text FROM outcome_events",
    );
    expect(tellers(places)).toEqual([]);
    for (const type of ['order.dispatched', 'order.cancelled', 'order.escalated', 'human-task.']) {
      expect(places.map(({ text }) => text).join('\n')).toContain(type);
    }
  });

  test('in no health report', async () => {
    const places = await rows('SELECT report::text AS text FROM health_reports');
    expect(tellers(places)).toEqual([]);
    expect(places[0]?.text).toContain('figures');
  });

  test('in no fact of the audit, whose notes have it', async () => {
    const facts = await rows(
      `SELECT concat_ws(' ', act, actor, decision, facts) AS text FROM audit`,
    );
    expect(tellers(facts)).toEqual([]);
    expect(
      tellers(await rows('SELECT note AS text FROM audit WHERE note IS NOT NULL')),
    ).not.toEqual([]);
  });

  test('in no reason that a dead letter or a repair gives, and in no row of a bulk run', async () => {
    const places = [
      ...(await rows(`SELECT concat_ws(' ', dead_letter_reason, properties, headers) AS text
        FROM dead_letters`)),
      ...(await rows("SELECT concat_ws(' ', found, done, before, after) AS text FROM repairs")),
      ...(await rows(`SELECT concat_ws(' ', state, outcome) AS text FROM bulk_rows`)),
    ];
    expect(tellers(places)).toEqual([]);
    const contents = await rows(`SELECT convert_from(content, 'UTF8') AS text FROM dead_letters`);
    expect(tellers(contents)).not.toEqual([]);
  });

  test('in no header or property of a message, only in bodies', () => {
    const places = walk.messages.map(({ exchange, properties }) => ({
      where: exchange,
      text: properties,
    }));
    expect(tellers(places)).toEqual([]);
    const ofBodies = walk.messages.map(({ exchange, body }) => ({ where: exchange, text: body }));
    const exchanges = new Set(tellers(ofBodies).map((told) => told.split(':', 1)[0]));
    expect([...exchanges].sort()).toEqual([
      '',
      'order-dispatch.acknowledgements',
      'order-dispatch.requests',
    ]);
    expect(ofBodies.map(({ where }) => where)).toContain('order-dispatch.events');
  });

  test('in no error that a caller of the SDK gets', () => {
    const places = walk.errors.map((text) => ({ where: 'error', text }));
    expect(tellers(places)).toEqual([]);
    for (const code of ['InvalidOrder', 'OrderConflict', 'TooLateToCancel']) {
      expect(places.map(({ text }) => text).join('\n')).toContain(code);
    }
  });

  test('in no answer to a service that places orders, good or bad', () => {
    const places = walk.answersToService.map(({ status, text }) => ({
      where: String(status),
      text,
    }));
    expect(tellers(places)).toEqual([]);
    expect(new Set(places.map(({ where }) => where))).toEqual(new Set(['201', '400', '409']));
  });

  test.each(['viewer', 'service'] as const)(
    'in no answer to a %s that may not see it',
    async (role) => {
      const places: Place[] = [];
      for (const route of await routesOf(walk)) {
        // A service reads the orders that it places.
        if (role === 'service' && /^\/v1\/orders\/[^/]+$/.test(route)) continue;
        const { status, text } = await walk.ask(role, 'GET', route);
        places.push({ where: `${status} ${route}`, text });
      }
      expect(tellers(places)).toEqual([]);
      expect(places.filter(({ where }) => where.startsWith('200')).length).toBeGreaterThan(
        role === 'viewer' ? 30 : 1,
      );
    },
  );

  test('and every answer has it for an operator, where there is something to see', async () => {
    const [order] = walk.placed.get('silent') ?? [];
    for (const route of [`/v1/orders/${order?.orderId}`, `/v1/orders/${order?.orderId}/timeline`]) {
      expect(
        tellers([{ where: route, ...(await walk.ask('operator', 'GET', route)) }]),
      ).toHaveLength(1);
    }
  });

  test('in nothing that a task says of itself while it is open', () => {
    const places = walk.currentDetails.map((text) => ({ where: 'current details', text }));
    expect(tellers(places)).toEqual([]);
    expect(places.length).toBeGreaterThan(5);
  });

  test('in no workflow ID, search attribute or memo', () => {
    const places = executions.map(({ workflowId, description }) => ({
      where: workflowId,
      text: `${workflowId}\n${textOf(description)}`,
    }));
    expect(tellers(places)).toEqual([]);
    expect(places.length).toBeGreaterThan(ORDERS);
    expect(places.map(({ text }) => text).join('\n')).toContain('contentHash');
  });

  test('in no failure that Temporal keeps', () => {
    const places = executions.flatMap(({ workflowId, events }) =>
      failuresIn(events).map((failure) => ({ where: workflowId, text: textOf(failure) })),
    );
    expect(tellers(places)).toEqual([]);
    const all = places.map(({ text }) => text).join('\n');
    for (const type of ['InvalidOrder', 'OrderConflict', 'unforeseen: Prisma']) {
      expect(all).toContain(type);
    }
  });

  test('in nothing that Temporal keeps but what orders are given and give', () => {
    const places = executions.map(({ workflowId, events }) => ({
      where: workflowId,
      text: textOf(events, BY_DESIGN),
    }));
    expect(tellers(places)).toEqual([]);
  });

  test(
    codec ? 'in no payload in Temporal at all' : 'while the inputs of orders have it by design',
    async () => {
      const places = executions.map(({ workflowId, events, description }) => ({
        where: workflowId,
        text: textOf(events) + textOf(description),
      }));
      if (!codec) {
        const [order] = walk.placed.get('quick') ?? [];
        const told = tellers(places).map((each) => orderIdOfWorkflow(each.split(':', 1)[0] ?? ''));
        expect(told).toContain(order?.orderId);
        return;
      }
      expect(tellers(places)).toEqual([]);
      // They are there, for who has the codec.
      const decoded = await Promise.all(
        executions.map(async ({ workflowId, events }) => ({
          where: workflowId,
          text: await decodedInput(walk, events),
        })),
      );
      expect(tellers(decoded).length).toBeGreaterThan(ORDERS / 2);
    },
  );
});

/** What each process says all the same of what went well, and of what failed. */
const SAYS: Record<string, readonly string[]> = {
  worker: ['acknowledged', 'message given up: dead-lettered', '"codes":["P2010","23514"]'],
  'dispatch-system': ['answered', 'message given up: dead-lettered', '"TypeError"', 'decide.cjs:'],
  supplement: ['the databases disagree: reconciling', 'dead letter'],
  api: ['"route":"/v1/orders","status":400'],
};

/** A place that tells the secret, with what is around it. */
function around(canary: () => string): (place: Place) => string {
  return ({ where, text }) => {
    const at = text.indexOf(canary());
    return `${where}: ${text.slice(Math.max(0, at - 120), at + 60)}`;
  };
}

function linesOf({ processes }: CanaryWalk, name: string): Place[] {
  return processes
    .filter((ran) => ran.name === name)
    .flatMap(({ process }) => process.output().split('\n'))
    .map((text) => ({ where: name, text }));
}

/** Every route that reads, about an order of each path; and lists that are asked for the customer. */
async function routesOf(walk: CanaryWalk): Promise<string[]> {
  const { paths } = JSON.parse((await walk.ask('admin', 'GET', '/openapi.json')).text) as {
    paths: Record<string, object>;
  };
  const reading = Object.entries(paths).flatMap(([route, methods]) =>
    'get' in methods && route !== '/v1/stream' ? [route] : [],
  );
  const ids = async (statement: string) =>
    (await walk.orders.$queryRawUnsafe<{ id: string }[]>(statement)).map(({ id }) => id);
  const about: Record<string, readonly string[]> = {
    '{orderId}': [...walk.placed.values()].flatMap(([order]) => (order ? [order.orderId] : [])),
    '{taskId}': (await ids('SELECT task_id AS id FROM human_tasks LIMIT 9')).map(
      encodeURIComponent,
    ),
    '{bulkId}': await ids('SELECT id::text FROM bulk_runs'),
    '{replayId}': ['none'],
    '/v1/repairs/{id}': await ids('SELECT id::text FROM repairs'),
    '/v1/dead-letters/{id}': await ids('SELECT id::text FROM dead_letters'),
  };
  const routes = reading.flatMap((route) => {
    const [placeholder, values] = Object.entries(about).find(([name]) => route.includes(name)) ?? [
      '',
      [''],
    ];
    const inRoute = placeholder.startsWith('/') ? '{id}' : placeholder;
    return values.map((value) => route.replace(inRoute, value));
  });
  const { canary } = walk;
  const asked = [`q=${canary}`, `customerId=${canary}`, `status=${canary}`].map(
    (query) => `/v1/orders?${query}`,
  );
  return [...routes, ...asked, `/v1/tasks?about=${canary}`, `/v1/${canary}`];
}

/** Whatever Temporal has, as it has it. */
async function readExecutions({
  temporal,
  surroundings,
  placed,
}: CanaryWalk): Promise<Execution[]> {
  const { namespace } = surroundings;
  const service = temporal.workflowService;
  // Temporal lists what happened a moment later.
  const listed = await eventually(async () => {
    const { executions } = await service.listWorkflowExecutions({ namespace, pageSize: 1_000 });
    const ids = new Set(executions.map(({ execution }) => execution?.workflowId));
    const isThere = ({ orderId }: { orderId: string }) => ids.has(`dispatch-order/${orderId}`);
    return [...placed.values()].flat().every(isThere) && executions;
  });
  return Promise.all(
    listed.map(async (info) => {
      const execution = { ...info.execution };
      const described = await service.describeWorkflowExecution({ namespace, execution });
      const events: unknown[] = [];
      let nextPageToken: Uint8Array | undefined;
      do {
        const page = await service.getWorkflowExecutionHistory({
          ...{ namespace, execution },
          ...(nextPageToken && { nextPageToken }),
        });
        events.push(...(page.history?.events ?? []));
        nextPageToken = page.nextPageToken;
      } while (nextPageToken.length > 0);
      const workflowId = execution.workflowId ?? '';
      return { workflowId, description: [info, described], events };
    }),
  );
}

/** Every failure in what Temporal has, wherever it is. */
function failuresIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) =>
    /failure$/i.test(name) && field ? [field] : failuresIn(field),
  );
}

/** All that is in a message of Temporal's, bytes as text; without some fields. */
function textOf(value: unknown, without: ReadonlySet<string> = new Set()): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .filter(([name]) => !without.has(name))
    .map(([name, field]) => `${name} ${textOf(field, without)}`)
    .join('\n');
}

/** What a workflow was started with, for who has the codec. */
async function decodedInput({ temporal }: CanaryWalk, events: readonly unknown[]): Promise<string> {
  const [started] = events as {
    workflowExecutionStartedEventAttributes?: { input?: { payloads?: object[] } };
  }[];
  const payloads = started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  const [codec] = temporal.options.loadedDataConverter.payloadCodecs;
  return textOf(await codec?.decode(payloads));
}
