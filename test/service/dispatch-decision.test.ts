import { answerRequest, answerWithdrawal } from '../../dispatch-system/answer';
import { openDispatchDatabase, type DispatchDatabase } from '../../database/dispatch/connection';
import { closedGate } from '../gate';
import { openDispatchRows, type DispatchRows } from '../rows';
import { createSurroundings, eventually, lockAwaited, newOrder, type Surroundings } from '../setup';

describe('the dispatch system', () => {
  let surroundings: Surroundings;
  let database: DispatchDatabase;
  let rows: DispatchRows;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    database = openDispatchDatabase({ url: surroundings.dispatchDatabaseUrl });
    rows = openDispatchRows(surroundings.dispatchDatabaseUrl);
  });
  afterAll(async () => {
    await database.close();
    await rows.$disconnect();
    await surroundings.remove();
  });

  const requestOf = (orderId: string, n = 1) => ({
    requestId: `${orderId}.${n}`,
    orderId,
    dispatchBy: new Date(Date.now() + 3_600_000).toISOString(),
    contentHash: 'h',
    order: {},
  });
  const withdrawalOf = (orderId: string) => ({ requestId: `${orderId}.withdrawal`, orderId });
  const accept = () => ({ kind: 'accept' as const, courierId: 'courier-1' });
  const withdraw = () => ({ kind: 'withdraw' as const });
  const dispatchesOf = (orderId: string) => rows.dispatch.findMany({ where: { orderId } });

  test('decides a withdrawal that comes while its request is being decided after it: no courier stays', async () => {
    const { orderId } = newOrder();
    const gate = closedGate();
    let isDeciding = false;
    const requested = answerRequest(
      database,
      () => ((isDeciding = true), gate.opened.then(accept)),
      {
        ...requestOf(orderId),
      },
    );
    await eventually(() => isDeciding);
    const withdrawn = answerWithdrawal(database, withdraw, withdrawalOf(orderId));
    await lockAwaited(rows);
    gate.open();
    expect((await requested)?.answer).toMatchObject({ outcome: 'accepted' });
    expect((await withdrawn)?.answer).toMatchObject({ outcome: 'withdrawn' });
    expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'withdrawn' }]);
  });

  test('gives a repeat the stored answer, of a request and of a withdrawal, and decides no more', async () => {
    const { orderId } = newOrder();
    let decisions = 0;
    const first = await answerRequest(
      database,
      () => ((decisions += 1), accept()),
      requestOf(orderId),
    );
    const again = await answerRequest(
      database,
      () => ((decisions += 1), accept()),
      requestOf(orderId),
    );
    expect(again?.answer).toEqual(first?.answer);
    const refuse = () => ((decisions += 1), { kind: 'refuseWithdrawal' as const });
    const refused = await answerWithdrawal(database, refuse, withdrawalOf(orderId));
    const refusedAgain = await answerWithdrawal(database, withdraw, withdrawalOf(orderId));
    expect(refused?.answer).toMatchObject({ outcome: 'withdrawalRefused', courierId: 'courier-1' });
    expect(refusedAgain?.answer).toEqual(refused?.answer);
    expect(decisions).toBe(2);
    expect(await dispatchesOf(orderId)).toMatchObject([{ status: 'live' }]);
  });

  test('assigns one courier, however many requests of an order come at once', async () => {
    const { orderId } = newOrder();
    let couriers = 0;
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        answerRequest(
          database,
          () => ({ kind: 'accept', courierId: `courier-${(couriers += 1)}` }),
          requestOf(orderId, n),
        ),
      ),
    );
    expect(answers.map((committed) => committed?.answer.courierId)).toEqual(
      Array.from({ length: 4 }, () => 'courier-1'),
    );
    expect(await dispatchesOf(orderId)).toHaveLength(1);
  });
});
