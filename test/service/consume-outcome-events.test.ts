import { randomUUID } from 'node:crypto';
import { connect, type Channel } from 'amqplib';
import { EXCHANGES } from '../../domain/amqp-names';
import {
  consumeOutcomeEvents,
  type ConsumeOutcomeEventsOptions,
  type OutcomeEvent,
  type OutcomeEventConsumer,
  type OutcomeEventType,
} from '../../events';
import { startOutcomeEventConsumer } from '../../events/consume-outcome-events';
import { silentLogger } from '../../runtime/logger';
import { askPerson, eventually, newOrder, setup, type TestBed } from '../setup';

describe('a consumer of order-dispatch/events', () => {
  let bed: TestBed;
  let channel: Channel;
  let queue: string;
  let opened: OutcomeEventConsumer[] = [];
  beforeAll(async () => {
    bed = await setup({ policy: { quickWindowMs: 0, acknowledgementTimeoutMs: 3_600_000 } });
    const connection = await connect(bed.amqpUrl);
    connection.on('error', () => {});
    channel = await connection.createChannel();
  });
  beforeEach(() => {
    queue = `test.${randomUUID()}`;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((consumer) => consumer.close()));
  });
  afterAll(() => bed.close());

  const consume = async <Type extends OutcomeEventType = OutcomeEventType>(
    options: Pick<ConsumeOutcomeEventsOptions<Type>, 'onEvent' | 'types' | 'isOutage'>,
  ): Promise<OutcomeEventConsumer> => {
    const consumer = await startOutcomeEventConsumer<Type>(
      { amqpUrl: bed.amqpUrl, queue, log: silentLogger(), ...options },
      { pauses: { initialMs: 20, maximumMs: 100 } },
    );
    opened.push(consumer);
    return consumer;
  };
  const close = async (consumer: OutcomeEventConsumer) => {
    opened = opened.filter((each) => each !== consumer);
    await consumer.close();
  };
  const publish = (
    orderId: string,
    type: OutcomeEventType = 'order.dispatched.v1',
    body: object = { orderId, status: 'dispatched' },
  ) => bed.orders.outcomeEvent.create({ data: { subject: orderId, type, body } });
  const waitingIn = async (name: string) => (await channel.checkQueue(name)).messageCount;

  test('gets each type of event, with its fields', async () => {
    const events: OutcomeEvent[] = [];
    await consume({
      onEvent: (event) => {
        events.push(event);
        return Promise.resolve();
      },
    });
    const order = newOrder();
    bed.script(order.orderId, ({ kind }) => ({
      kind: kind === 'withdrawal' ? 'withdraw' : 'staySilent',
    }));
    const handle = await bed.client.placeOrder(order, { policy: { taskDueMs: 0 } });
    await askPerson(bed, handle);
    await eventually(() => events.some(({ type }) => type === 'human-task.due.v1'));
    const note = 'by phone';
    await handle.resolve({ actor: 'mia', note, decision: 'markDispatched', courierId: 'bike-7' });
    const rejected = newOrder();
    bed.script(rejected.orderId, () => ({ kind: 'reject', rejectionCode: 'outOfZone' }));
    await bed.client.placeOrder(rejected);
    await eventually(() => events.length === 5);
    const said = events.map((event): string => {
      expect(Date.parse(event.at)).toBeGreaterThan(0);
      switch (event.type) {
        case 'order.dispatched.v1':
          return `${event.type} ${event.courierId} by ${event.dispatchedBy}`;
        case 'order.cancelled.v1':
          return `${event.type} ${event.rejectionCode}`;
        case 'order.escalated.v1':
          return `${event.type} ${event.escalationReason}`;
        case 'human-task.due.v1':
          return `${event.type} ${event.kind} ${event.overdue}`;
        case 'human-task.closed.v1':
          return `${event.type} ${event.closedBy} ${event.decision}`;
      }
    });
    expect(said).toEqual(
      expect.arrayContaining([
        'order.escalated.v1 requestDeadLettered',
        'human-task.due.v1 order false',
        'human-task.closed.v1 person markDispatched',
        'order.dispatched.v1 bike-7 by person',
        'order.cancelled.v1 outOfZone',
      ]),
    );
  });

  test('acks an event once its handler is done: one that was at work gets it again', async () => {
    const { orderId } = newOrder();
    let begun = false;
    const first = await consume({
      onEvent: () => {
        begun = true;
        return Promise.reject(new Error('out of order'));
      },
      isOutage: () => true,
    });
    const { eventId } = await publish(orderId);
    await eventually(() => begun);
    await close(first);
    const events: OutcomeEvent[] = [];
    let finish: () => void = () => {};
    const second = await consume({
      onEvent: (event) => {
        events.push(event);
        return new Promise<void>((done) => (finish = done));
      },
    });
    await eventually(() => events.length === 1);
    const closed = close(second);
    finish();
    await closed;
    expect(events).toMatchObject([{ eventId, orderId }]);
    expect(await waitingIn(queue)).toBe(0);
  });

  test('is given an event again, and it goes to the dead letters of its own queue after 5 tries', async () => {
    const { orderId } = newOrder();
    const tries: string[] = [];
    await consume({
      onEvent: ({ eventId }) => {
        tries.push(eventId);
        return Promise.reject(new Error('no'));
      },
    });
    const { eventId } = await publish(orderId);
    await eventually(async () => (await waitingIn(`${queue}.dead`)) === 1);
    expect(tries).toEqual(Array.from({ length: 5 }, () => eventId));
    const letter = await channel.get(`${queue}.dead`, { noAck: true });
    expect(letter && letter.properties.headers).toMatchObject({ attempts: 5, sourceQueue: queue });
  });

  test('keeps an event for as long as what its handler stands on is away', async () => {
    let tries = 0;
    await consume({
      onEvent: () => {
        tries += 1;
        return tries < 8 ? Promise.reject(new Error('database away')) : Promise.resolve();
      },
      isOutage: (error) => error instanceof Error && error.message === 'database away',
    });
    await publish(newOrder().orderId);
    await eventually(() => tries === 8);
    expect(await waitingIn(`${queue}.dead`)).toBe(0);
  });

  test('dead-letters at once what is no event, and goes on', async () => {
    const events: OutcomeEvent[] = [];
    await consume({
      onEvent: (event) => {
        events.push(event);
        return Promise.resolve();
      },
    });
    const type = 'order.dispatched.v1';
    channel.publish(EXCHANGES.events, type, Buffer.from('{}'), { type, messageId: 'strange' });
    await eventually(async () => (await waitingIn(`${queue}.dead`)) === 1);
    const { orderId } = newOrder();
    await publish(orderId);
    await eventually(() => events.some((event) => event.orderId === orderId));
  });

  test('gets what came while it was away, and only the types that it asks for now', async () => {
    const first = await consume({ onEvent: () => Promise.resolve() });
    await close(first);
    const events: OutcomeEvent<'order.cancelled.v1'>[] = [];
    const { orderId } = newOrder();
    const cancelled = { orderId, status: 'cancelled' };
    await publish(orderId);
    await publish(orderId, 'order.cancelled.v1', cancelled);
    await eventually(async () => (await waitingIn(queue)) === 2);
    const second = await consume({
      types: ['order.cancelled.v1'],
      onEvent: (event) => {
        events.push(event);
        return Promise.resolve();
      },
    });
    await eventually(() => events.length === 1);
    await close(second);
    await publish(orderId);
    await publish(orderId, 'order.cancelled.v1', cancelled);
    await eventually(async () =>
      (await bed.orders.outcomeEvent.findMany()).every(({ sentAt }) => sentAt),
    );
    expect(await waitingIn(queue)).toBe(1);
    expect(events).toMatchObject([cancelled]);
  });

  test('comes back by itself, with its queue and bindings, where somebody deletes the queue', async () => {
    const events: OutcomeEvent[] = [];
    const consumer = await consume({
      onEvent: (event) => {
        events.push(event);
        return Promise.resolve();
      },
    });
    await channel.deleteQueue(queue);
    await eventually(async () => {
      await publish(newOrder().orderId);
      return events.length > 0;
    });
    expect(consumer.ready()).toBe(true);
  });

  test.each<[string, object, RegExp]>([
    ['a type that is unknown', { types: ['order.praised.v1'] }, /types/],
    ['no type', { types: [] }, /types.*leave it out for all/],
    ['a queue of the service', { queue: 'dispatch.requests' }, /queue: must be .* of your own/],
    ['a slip of the pen', { onevent: () => {} }, /no option onevent/],
    ['no handler', { onEvent: undefined }, /onEvent: must be a function/],
  ])('is refused %s', async (_, given, message) => {
    const options = { amqpUrl: bed.amqpUrl, queue, onEvent: () => Promise.resolve(), ...given };
    await expect(
      Promise.resolve().then(() => consumeOutcomeEvents(options as ConsumeOutcomeEventsOptions)),
    ).rejects.toThrow(message);
  });
});
