import type { PolicyOverrides } from '../../client';
import type { Decide } from '../../dispatch-system/decide';
import { DatabaseUnavailable, OrderNotFound, OrderUnsettled } from '../../domain/errors';
import { dispatchOrderWorkflowId } from '../../domain/temporal-names';
import type { TimelineEntry } from '../../domain/timeline';
import { listOrders, type OrderPage } from '../../operations/list-orders';
import { readTimeline, withOrdersIfThere, type Timeline } from '../../operations/timeline';
import { patience } from '../patience';
import { runCli, startCli, unwrapped } from '../run-cli';
import {
  askPerson,
  deleteWorkflow,
  eventually,
  inTurn,
  newOrder,
  openTask,
  setup,
  type TestBed,
} from '../setup';

const MIA = { actor: 'mia', note: 'by phone' };
const SILENT: Decide = () => ({ kind: 'staySilent' });
const BRISK: PolicyOverrides = {
  quickWindowMs: 0,
  acknowledgementTimeoutMs: patience(50),
  initialIntervalMs: 50,
  maximumAttempts: 2,
};

const ORDER_ID = 'o-of-each-kind';
const REQUEST_ID = `${ORDER_ID}.1`;
const TASK_ID = dispatchOrderWorkflowId(ORDER_ID);

/** What an entry of each kind says, by who tells of it; the compiler refuses a kind that is not here. */
const KINDS: Readonly<
  Record<TimelineEntry['what'], Partial<Record<TimelineEntry['from'], Partial<TimelineEntry>>>>
> = {
  placed: { orderDatabase: {}, temporal: {} },
  requested: { temporal: { attempt: 2 } },
  confirmed: { temporal: {} },
  acknowledged: {
    orderDatabase: {
      ...{ requestId: REQUEST_ID, outcome: 'accepted', class: 'first', courierId: 'courier-1' },
    },
    temporal: { outcome: 'accepted', class: 'first', courierId: 'courier-1' },
  },
  deadLettered: {
    orderDatabase: { requestId: REQUEST_ID, deadLetterReason: 'MalformedMessage: x' },
  },
  escalated: {
    orderDatabase: { taskId: TASK_ID, escalationReason: 'noAcknowledgement' },
    temporal: { escalationReason: 'noAcknowledgement' },
  },
  resolved: {
    orderDatabase: { decision: 'retry', ...MIA, via: 'cli', taskId: TASK_ID },
    temporal: { decision: 'retry', ...MIA },
  },
  cancellationAsked: {
    orderDatabase: { decision: 'cancel', ...MIA, via: 'cli', taskId: TASK_ID },
    temporal: { decision: 'cancel', ...MIA },
  },
  taskClosed: { orderDatabase: { taskId: TASK_ID, closedBy: 'answer' } },
  acted: { orderDatabase: { act: 'claim', ...MIA, via: 'cli', taskId: TASK_ID } },
  dispatched: {
    orderDatabase: { courierId: 'courier-1' },
    temporal: { courierId: 'courier-1' },
  },
  cancelled: { orderDatabase: { rejectionCode: 'outOfZone' }, temporal: {} },
  repaired: {
    orderDatabase: { found: 'f', done: 'restarted', ...MIA },
    temporal: { done: 'restarted', found: expect.any(String) as string },
  },
  workflowEnded: { temporal: { how: 'terminated' } },
  erased: { orderDatabase: {} },
};

/** An order becomes a human task by what a test does, and not by itself. */
const PATIENT: PolicyOverrides = { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 };

describe('what happened to an order', () => {
  let bed: TestBed;
  beforeAll(async () => {
    bed = await setup();
    await bed.startSupplementSystem({ graceMs: 60_000 });
  });
  afterAll(() => bed.close());

  const place = (decide?: Decide, policy: PolicyOverrides = {}) => {
    const order = newOrder();
    if (decide) bed.script(order.orderId, decide);
    return bed.client.placeOrder(order, { policy });
  };
  const timeline = (orderId: string) =>
    readTimeline({ temporal: { temporal: bed.temporal }, orders: bed.databases.orders }, orderId);
  const fromTemporal = (orderId: string) =>
    readTimeline({ temporal: { temporal: bed.temporal } }, orderId);
  const kinds = ({ entries }: Timeline) => entries.map(({ what }) => what);
  const only = ({ entries }: Timeline, what: TimelineEntry['what']) =>
    entries.filter((entry) => entry.what === what);
  const cli = (...args: string[]) => runCli([...args, ...target()], { environment: environment() });
  const target = () => ['--address', bed.stack.temporalAddress, '--namespace', bed.namespace];
  const environment = () => ({ ORDERS_DATABASE_URL: bed.ordersDatabaseUrl });

  test('of an order that is accepted at once: each step once, in time order', async () => {
    const handle = await place();
    await handle.result();
    const found = await eventually(async () => {
      const now = await timeline(handle.orderId);
      return now.isFinal && now;
    });
    expect(kinds(found).toSorted()).toEqual(
      ['placed', 'requested', 'acknowledged', 'dispatched'].toSorted(),
    );
    expect(found.entries[0]?.what).toBe('placed');
    // Not when the history has it, which is after the answer.
    expect(kinds(found).indexOf('requested')).toBe(1);
    const times = found.entries.map(({ at }) => Date.parse(at));
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(found.notKnown).toEqual([]);
  });

  test('of an order that a person tried again: attempts, confirms, the task, who decided and why', async () => {
    const accept = { kind: 'accept', courierId: 'courier-1' } as const;
    const silent = { kind: 'staySilent' } as const;
    const handle = await place(inTurn(silent, silent, accept), BRISK);
    await openTask(handle);
    await handle.resolve({ decision: 'retry', ...MIA });
    await handle.result();
    const found = await timeline(handle.orderId);
    const { orderId } = handle;
    expect(only(found, 'requested')).toEqual(
      [
        [`${orderId}.1`, 1],
        [`${orderId}.1`, 2],
        [`${orderId}.2`, 1],
      ].map(([requestId, attempt]) => expect.objectContaining({ requestId, attempt }) as unknown),
    );
    expect(only(found, 'confirmed')[0]).toMatchObject({ requestId: `${orderId}.1` });
    expect(only(found, 'escalated')).toHaveLength(1);
    expect(only(found, 'resolved')).toEqual([
      expect.objectContaining({ decision: 'retry', actor: 'mia', note: 'by phone', via: 'sdk' }),
    ]);
    expect(only(found, 'acknowledged')).toHaveLength(1);
    expect(kinds(found).slice(-2)).toEqual(['acknowledged', 'dispatched']);
    // The histories alone tell the same, where nobody said where the database is.
    const told = await fromTemporal(orderId);
    expect(kinds(told)).toEqual(kinds(found));
    expect(told.notKnown).toEqual(['what the order database recorded (nobody said where it is)']);
  });

  test('of an order under way: the attempt that is out, and its confirm', async () => {
    const handle = await place(SILENT, PATIENT);
    const found = await eventually(async () => {
      const now = await timeline(handle.orderId);
      return only(now, 'confirmed').length > 0 && now;
    });
    expect(kinds(found)).toEqual(['placed', 'requested', 'confirmed']);
    expect(found.isFinal).toBe(false);
  });

  test('of an order under way whose first attempt nobody answered: the second one, too', async () => {
    const patient = { ...BRISK, acknowledgementTimeoutMs: patience(150), maximumAttempts: 3 };
    const handle = await place(SILENT, patient);
    const requestId = `${handle.orderId}.1`;
    const found = await eventually(async () => {
      const now = await timeline(handle.orderId);
      return only(now, 'requested').length > 1 && now;
    });
    expect(only(found, 'requested')).toMatchObject([{ requestId }, { requestId, attempt: 2 }]);
  });

  test('of an order that a person dispatched: not its end before its request is taken back', async () => {
    const handle = await place(SILENT, PATIENT);
    const { orderId } = handle;
    await askPerson(bed, handle);
    // With a courier, the dispatch system is asked.
    await bed.dispatches.dispatch.create({
      data: { orderId, requestId: `${orderId}.1`, contentHash: 'x', courierId: 'courier-3' },
    });
    await handle.resolve({ decision: 'markDispatched', courierId: 'bike-7', ...MIA });
    const found = await eventually(async () => {
      const now = await timeline(orderId);
      return (
        only(now, 'confirmed').some(({ requestId }) => requestId === `${orderId}.withdrawal`) && now
      );
    });
    expect(found).toMatchObject({ status: 'dispatched', isFinal: false });
    expect(found).not.toHaveProperty('endedAs');
  });

  test('of each kind that is recorded: an entry, with the database alone', async () => {
    const everyKind = Object.keys(KINDS) as TimelineEntry['what'][];
    const anHourAgo = Date.now() - 60 * 60_000;
    const at = (what: TimelineEntry['what']) =>
      new Date(anHourAgo + everyKind.indexOf(what) * 60_000);
    await recordEachKind(at);
    const expected = everyKind.flatMap((what) => {
      const { orderDatabase: said } = KINDS[what];
      return said ? [{ at: at(what).toISOString(), what, from: 'orderDatabase', ...said }] : [];
    });
    expect((await timeline(ORDER_ID)).entries).toEqual(expected);
  });

  /** The rows that {@link KINDS} are read from. */
  const recordEachKind = async (at: (what: TimelineEntry['what']) => Date) => {
    const orderId = ORDER_ID;
    const { orders } = bed;
    const now = new Date();
    await orders.order.create({
      data: {
        ...{ orderId, contentHash: 'x', order: newOrder({ orderId }), policy: {} },
        ...{ status: 'cancelled', rejectionCode: 'outOfZone', dispatchBy: now },
        createdAt: at('placed'),
      },
    });
    // That is told of by a trigger.
    await orders.outcomeEvent.updateMany({
      where: { subject: orderId },
      data: { createdAt: at('cancelled') },
    });
    await orders.outcomeEvent.create({
      data: {
        ...{ subject: orderId, type: 'order.dispatched.v1', createdAt: at('dispatched') },
        body: { orderId, status: 'dispatched', courierId: 'courier-1' },
      },
    });
    await orders.acknowledgement.create({
      data: {
        ...{ orderId, requestId: REQUEST_ID, messageId: 'm', outcome: 'accepted', class: 'first' },
        ...{ courierId: 'courier-1', decidedAt: now, receivedAt: at('acknowledged') },
      },
    });
    await orders.deadLetter.create({
      data: {
        ...{ orderId, fingerprint: orderId, sourceQueue: 'dispatch.requests' },
        ...{ messageId: REQUEST_ID, type: 'x', appId: 'x', properties: {}, headers: {} },
        ...{ deadLetterReason: 'MalformedMessage: x', content: Buffer.from(''), attempts: 1 },
        ...{ firstFailedAt: at('deadLettered'), lastFailedAt: now },
      },
    });
    await orders.humanTask.create({
      data: {
        ...{ taskId: TASK_ID, orderId, kind: 'order', escalationReason: 'noAcknowledgement' },
        ...{ openedAt: at('escalated'), dueAt: now, overdueAt: now },
        ...{ closedAt: at('taskClosed'), closedBy: 'answer' },
      },
    });
    const by = { ...MIA, via: 'cli', orderId, taskId: TASK_ID };
    await orders.auditEntry.createMany({
      data: [
        { ...by, at: at('resolved'), act: 'resolve', decision: 'retry' },
        { ...by, at: at('cancellationAsked'), act: 'cancel', decision: 'cancel' },
        { ...by, at: at('acted'), act: 'claim' },
      ],
    });
    await orders.repair.create({
      data: {
        ...{ orderId, found: 'f', done: 'restarted', ...MIA, createdAt: at('repaired') },
        ...{ before: {}, after: {}, provenance: 'p', runId: orderId },
      },
    });
    const { id } = await orders.erasure.create({
      data: { customerHash: 'h', actor: 'a', note: 'n' },
    });
    await orders.$executeRaw`
      UPDATE orders SET erased_at = ${at('erased')}, erasure_id = ${id} WHERE order_id = ${orderId}`;
  };

  test('of each kind that a history tells: an entry, with Temporal alone; of what both know, one', async () => {
    const accept = { kind: 'accept', courierId: 'courier-1' } as const;
    const silent = { kind: 'staySilent' } as const;
    const again = await place(inTurn(silent, silent, accept), BRISK);
    await openTask(again);
    await again.resolve({ decision: 'retry', ...MIA });
    await again.result();

    const taken = await place();
    await taken.result();
    await taken.cancel(MIA);
    const found = await timeline(taken.orderId);
    expect(only(found, 'cancellationAsked')).toEqual([expect.objectContaining(MIA)]);
    expect(only(found, 'acknowledged').map(({ outcome }) => outcome)).toEqual([
      'accepted',
      'withdrawn',
    ]);
    expect(kinds(found).at(-1)).toBe('cancelled');

    const lost = await place();
    await lost.result();
    const { orderId } = lost;
    await bed.orders.order.update({
      where: { orderId },
      data: { status: 'placed', courierId: null, dispatchedBy: null },
    });
    await bed.client.reconcile(orderId, { actor: 'ana' });
    const repaired = await timeline(orderId);
    expect(only(repaired, 'repaired')).toEqual([expect.objectContaining({ done: 'restarted' })]);
    expect(only(repaired, 'acted')).toEqual([expect.objectContaining({ actor: 'ana' })]);

    const ended = await place(SILENT, { ...BRISK, acknowledgementTimeoutMs: 60_000 });
    await bed.temporal.workflow.getHandle(dispatchOrderWorkflowId(ended.orderId)).terminate();

    const told = await Promise.all(
      [again, taken, lost, ended].map(({ orderId: id }) => fromTemporal(id)),
    );
    for (const [what, { temporal: said }] of Object.entries(KINDS)) {
      const entries = told.flatMap((each) => only(each, what as TimelineEntry['what']));
      const expected = said
        ? (expect.arrayContaining([expect.objectContaining({ ...said, from: 'temporal' })]) as [])
        : [];
      expect({ what, entries }).toEqual({ what, entries: expected });
    }
  });

  test('a database that goes away while it is read is an error, and nothing is read twice', async () => {
    let asked = 0;
    const { ordersDatabaseUrl } = bed;
    const reading = withOrdersIfThere({ ordersDatabaseUrl }, () => {
      asked += 1;
      return Promise.reject(new DatabaseUnavailable('it', { why: 'away', cause: undefined }));
    });
    await expect(reading).rejects.toThrow(DatabaseUnavailable);
    expect(asked).toBe(1);
  });

  test('an order that nobody knows is not found', async () => {
    await expect(timeline('o-never-placed')).rejects.toThrow(OrderNotFound);
  });

  test('the command prints it, in local time with its zone, and as JSON in UTC', async () => {
    const handle = await place();
    await handle.result();
    const { stdout } = await cli('timeline', handle.orderId);
    const lines = unwrapped(stdout).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ {2}placed$/);
    expect(unwrapped(stdout)).toContain('acknowledged: ');
    const json = JSON.parse((await cli('timeline', handle.orderId, '--json')).stdout) as Timeline;
    expect(json.entries).toHaveLength(lines.length);
    expect(json.entries[0]?.at).toMatch(/T.*Z$/);
  });

  describe('after Temporal has removed its workflow', () => {
    const gone: Record<'accepted' | 'rejected' | 'byHand' | 'escalated', string> = {} as never;
    beforeAll(async () => {
      const [accepted, rejected, byHand, escalated] = await Promise.all([
        place(inTurn({ kind: 'accept', courierId: 'courier-1' })),
        place(inTurn({ kind: 'reject', rejectionCode: 'outOfZone' })),
        place(({ kind }) => ({ kind: kind === 'withdrawal' ? 'withdraw' : 'staySilent' }), BRISK),
        place(SILENT, BRISK),
      ]);
      await Promise.all([byHand, escalated].map(openTask));
      await byHand.resolve({ decision: 'markDispatched', courierId: 'bike-7', ...MIA });
      await Promise.all([accepted, rejected, byHand].map((handle) => handle.result()));
      Object.assign(gone, {
        accepted: accepted.orderId,
        rejected: rejected.orderId,
        byHand: byHand.orderId,
        escalated: escalated.orderId,
      });
      await Promise.all(
        Object.values(gone).map((id) => deleteWorkflow(bed, dispatchOrderWorkflowId(id))),
      );
    });

    test('status() and result() tell what became of it, as its row says', async () => {
      const { accepted, rejected, byHand } = gone;
      const expected: [string, object][] = [
        [
          accepted,
          { status: 'dispatched', dispatchedBy: 'acknowledgement', courierId: 'courier-1' },
        ],
        [rejected, { status: 'cancelled', rejectionCode: 'outOfZone', resolvedBy: null }],
        [byHand, { status: 'dispatched', courierId: 'bike-7', resolvedBy: 'mia' }],
      ];
      for (const [orderId, result] of expected) {
        const handle = bed.client.getOrder(orderId);
        expect(await handle.status()).toMatchObject({ orderId, ...result });
        expect(await handle.result()).toEqual(await handle.status());
      }
    });

    test('the result of an order that was not settled says so at once, instead of waiting for ever', async () => {
      const handle = bed.client.getOrder(gone.escalated);
      expect(await handle.status()).toMatchObject({ status: 'escalated' });
      await expect(handle.result()).rejects.toThrow(OrderUnsettled);
    });

    test('what the order carried is in no history that was started to read it', async () => {
      const orderId = gone.accepted;
      await bed.client.getOrder(orderId).status();
      const history = await bed.temporal.workflow.getHandle(`read-order/${orderId}`).fetchHistory();
      const payloads = JSON.stringify(history).matchAll(/"data":"([^"]+)"/g);
      const text = [...payloads]
        .map(([, data = '']) => Buffer.from(data, 'base64').toString())
        .join('\n');
      expect(text).toContain('courier-1');
      expect(text).not.toMatch(/Long Street|Sampleton|\bc-7\b/);
    });

    test('an order that nobody placed stays not found', async () => {
      const handle = bed.client.getOrder('o-never-placed');
      await expect(handle.status()).rejects.toThrow(OrderNotFound);
      await expect(handle.result()).rejects.toThrow(OrderNotFound);
    });

    test('the timeline tells what the databases have, and what is gone', async () => {
      const found = await timeline(gone.byHand);
      expect(kinds(found)).toEqual(
        expect.arrayContaining(['placed', 'escalated', 'resolved', 'dispatched']),
      );
      expect(found.isFinal).toBe(true);
      expect(found.notKnown).toEqual([
        'attempts and confirms (Temporal has no history of it any more)',
      ]);
      const { stdout } = await cli('timeline', gone.byHand);
      expect(stdout).toContain('resolved: markDispatched by mia: by phone');
      expect(stdout).toContain('not known: attempts and confirms');
    });

    test('show reads the row and starts no workflow for it', async () => {
      const orderId = gone.rejected;
      const before = await runsOf(orderId);
      const { stdout } = await cli('show', orderId);
      expect(stdout).toMatch(/status +cancelled/);
      expect(await runsOf(orderId)).toBe(before);
    });

    const runsOf = async (orderId: string): Promise<string | undefined> =>
      bed.temporal.workflow
        .getHandle(`read-order/${orderId}`)
        .describe()
        .then(
          ({ runId }) => runId,
          () => undefined,
        );
  });

  describe('list', () => {
    const filter = { statuses: ['placed', 'escalated'], restaurantId: 'r-pages' } as const;
    const placed = async (count: number): Promise<string[]> => {
      const ids = Array.from({ length: count }, () => newOrder().orderId);
      // Many of one moment: the order ID decides between them.
      const createdAt = new Date(Date.now() - 60 * 60_000);
      await bed.orders.order.createMany({
        data: ids.map((orderId, index) => ({
          orderId,
          contentHash: 'x',
          order: { restaurantId: 'r-pages', customerId: 'c-7' },
          policy: {},
          dispatchBy: new Date(),
          createdAt: new Date(createdAt.getTime() + Math.floor(index / 10)),
        })),
      });
      return ids;
    };
    let ids: string[];
    beforeAll(async () => (ids = await placed(95)));

    test('its pages have each order once, whatever changes and comes meanwhile', async () => {
      const seen: string[] = [];
      let after: string | undefined;
      let pages = 0;
      do {
        const page: OrderPage = await listOrders(bed.databases.orders, {
          filter,
          limit: 7,
          ...(after !== undefined && { after }),
        });
        seen.push(...page.orders.map(({ orderId }) => orderId));
        after = page.next ?? undefined;
        pages += 1;
        // One that was seen changes, and one that was not.
        const [unseen] = ids.filter((id) => !seen.includes(id));
        for (const orderId of [seen.at(-1), unseen].filter((id) => id !== undefined)) {
          await bed.orders.order.update({
            where: { orderId },
            data: { status: 'escalated', updatedAt: new Date(), attempts: { increment: 1 } },
          });
        }
        if (pages === 3) ids.push(...(await placedNow(5)));
      } while (after !== undefined);
      expect(seen.toSorted()).toEqual(ids.toSorted());
      expect(new Set(seen).size).toBe(seen.length);
    });

    const placedNow = async (count: number) => {
      const more = await placed(count);
      await bed.orders.order.updateMany({
        where: { orderId: { in: more } },
        data: { createdAt: new Date() },
      });
      return more;
    };

    test('of a status that is not final walks the index of what is not', async () => {
      const explained = await bed.orders.$transaction(async (transaction) => {
        await transaction.$executeRaw`SET LOCAL enable_seqscan = off`;
        return transaction.$queryRaw<{ 'QUERY PLAN': string }[]>`
          EXPLAIN SELECT order_id FROM orders WHERE status IN ('placed')
            AND (created_at, order_id) > (now() - interval '1 day', '')
          ORDER BY created_at, order_id LIMIT 10`;
      });
      expect(JSON.stringify(explained)).toContain('orders_unfinished_idx');
    });

    test('the command narrows it down, says how it goes on, and prints a page as JSON', async () => {
      const narrowed = ['--restaurant', 'r-pages', '--older-than', '30m', '--limit', '90'];
      const { stdout } = await cli('list', ...narrowed);
      const [, next = ''] = /--after (\S+)/.exec(unwrapped(stdout)) ?? [];
      const last = JSON.parse(
        (await cli('list', ...narrowed, '--after', next, '--json')).stdout,
      ) as OrderPage;
      expect(last.orders).toHaveLength(5);
      expect(last.orders[0]).toMatchObject({ restaurantId: 'r-pages' });
      expect(JSON.stringify(last)).not.toContain('"c-7"');
      expect(last.next).toBeNull();
    });

    test('a place that no page named is refused, before anything is asked', async () => {
      const { exitCode, stderr } = await cli('list', '--after', 'page-2');
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--after: must be what the page before said');
    });
  });

  describe('watch', () => {
    test('prints what happens until the order is dispatched, and exits with 0', async () => {
      const handle = await place(SILENT, BRISK);
      await openTask(handle);
      const { orderId } = handle;
      const watching = startCli(['watch', orderId, ...target(), '--json'], {
        environment: environment(),
      });
      await bed.acknowledge({ requestId: `${orderId}.1`, outcome: 'accepted', courierId: 'c-9' });
      const { stdout, exitCode } = await watching.ended;
      const entries = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as TimelineEntry);
      expect(exitCode).toBe(0);
      expect(entries).toContainEqual(
        expect.objectContaining({ what: 'dispatched', courierId: 'c-9' }),
      );
      expect(new Set(entries.map((entry) => JSON.stringify(entry))).size).toBe(entries.length);
    });

    test('of an order that ends cancelled exits with 1; place --watch follows what it placed', async () => {
      const order = newOrder();
      bed.script(order.orderId, inTurn({ kind: 'reject', rejectionCode: 'outOfZone' }));
      const { stdout, exitCode } = await runCli(['place', '--file', '-', '--watch', ...target()], {
        environment: environment(),
        input: JSON.stringify(order),
      });
      expect(stdout).toContain('cancelled: rejected with outOfZone');
      expect(exitCode).toBe(1);
    });

    test('ends with 3 after its --timeout, and quietly with 0 at Ctrl-C', async () => {
      const handle = await place(SILENT, PATIENT);
      const late = await cli('watch', handle.orderId, '--timeout', '1');
      expect(late.exitCode).toBe(3);
      expect(late.stderr).toContain('WaitTimedOut');
      const watching = startCli(['watch', handle.orderId, ...target()], {
        environment: environment(),
      });
      await eventually(() => watching.stdout().includes('confirmed'));
      watching.interrupt();
      expect(await watching.ended).toMatchObject({ exitCode: 0 });
      expect((await watching.ended).stderr).not.toContain('error');
    });
  });
});
