import { randomUUID } from 'node:crypto';
import { Runtime } from '@temporalio/worker';
import { applyMigrations } from '../../database/migrate';
import { openOrdersDatabase, type OrdersDatabase } from '../../database/orders/connection';
import { insertRepair } from '../../database/orders/repairs';
import type { Repair } from '../../domain/reconciliation';
import type { RepairRecord } from '../../operations/repairs';
import { errorLine, runCli, unwrapped } from '../run-cli';
import { createSurroundings, type Surroundings } from '../setup';
import { openOrdersRows, type OrdersRows } from '../rows';

// Nothing here speaks to Temporal; an idle runtime would keep the process.
afterAll(() => Runtime.instance().shutdown());

const HOUR_MS = 60 * 60 * 1_000;

describe('repairs', () => {
  let surroundings: Surroundings;
  let orders: OrdersRows;
  let database: OrdersDatabase;
  beforeAll(async () => {
    surroundings = await createSurroundings();
    const { ordersDatabaseUrl: url } = surroundings;
    await applyMigrations({ url, schema: 'orders' });
    orders = openOrdersRows(url);
    database = openOrdersDatabase({ url });
  });
  beforeEach(() => orders.repair.deleteMany());
  afterAll(async () => {
    await orders.$disconnect();
    await database.close();
    await surroundings.remove();
  });

  const REPAIR: Repair = {
    orderId: 'o-1',
    found: 'the order is cancelled, but a courier is on the way',
    done: 'withdrawn',
    before: {
      order: { status: 'cancelled', contentHash: 'aa' },
      dispatch: { status: 'live', courierId: 'bike-7', requestId: 'o-1.1' },
      workflow: 'ended',
      trigger: 'late',
      copy: { contentHash: 'bb', isOurs: true },
    },
    after: {
      order: { status: 'cancelled', contentHash: 'aa' },
      dispatch: { status: 'withdrawn' },
      workflow: 'ended',
      trigger: 'late',
    },
    provenance: 'message m-1',
  };
  /** Records a repair as a reconciliation does, some hours ago. @returns its ID. */
  const record = async (fields: Partial<Repair> = {}, hoursAgo = 0): Promise<string> => {
    const runId = randomUUID();
    await insertRepair(database, { ...REPAIR, ...fields }, runId);
    const createdAt = new Date(Date.now() - hoursAgo * HOUR_MS);
    const { id } = await orders.repair.update({ where: { runId }, data: { createdAt } });
    return String(id);
  };
  const cli = (...args: string[]) =>
    runCli(['repairs', ...args, '--from', 'environment'], {
      environment: { ORDERS_DATABASE_URL: surroundings.ordersDatabaseUrl },
    });
  const listed = async (...args: string[]) => {
    const { exitCode, stdout } = await cli('list', '--json', ...args);
    expect(exitCode).toBe(0);
    return (JSON.parse(stdout) as RepairRecord[]).map(({ id }) => id);
  };

  test('are listed the newest first, by order, time and what was done', async () => {
    const oldest = await record({}, 50);
    const kept = await record({ orderId: 'o-2', done: 'kept', actor: 'ana', note: 'by phone' }, 3);
    const newest = await record({ orderId: 'o-2' }, 1);
    expect(await listed()).toEqual([newest, kept, oldest]);
    expect(await listed('--order', 'o-2')).toEqual([newest, kept]);
    expect(await listed('--since', '2h')).toEqual([newest]);
    const since = new Date(Date.now() - 4 * HOUR_MS).toISOString();
    expect(await listed('--since', since, '--done', 'kept')).toEqual([kept]);
    expect(await listed('--limit', '2')).toEqual([newest, kept]);
    expect(await listed('--order', 'o-3')).toEqual([]);
  });

  test('the table says for each what was found and done, by whom and when', async () => {
    const id = await record({ done: 'kept', actor: 'ana', note: 'by phone' }, 3);
    const { exitCode, stdout } = await cli('list');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ID +│ done +│ by +│ when/);
    const entry = `│ order o-1 +│\n│ ${REPAIR.found} +│\n│ ${id} +│ kept +│ ana +│ \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d[+-]\\d\\d:\\d\\d +│`;
    expect(stdout).toMatch(new RegExp(entry));
    await orders.repair.deleteMany();
    expect((await cli('list')).stdout).toBe('no repair fits\n');
  });

  test('one is shown with before and after in plain words, provenance, actor and note', async () => {
    const id = await record({ actor: 'ana', note: 'by phone' });
    const { exitCode, stdout } = await cli('show', id);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual(
      expect.arrayContaining([
        `repair      ${id}`,
        'order       o-1',
        `found       ${REPAIR.found}`,
        'done        withdrawn: a courier who should not be on the way was called back',
        'before      order database        cancelled',
        '            dispatch database     live, courier bike-7, request o-1.1',
        '            workflow              ended',
        '            looked at because of  late',
        '            copy                  of a request of ours',
        '            contents differ       aa in the row, bb in the copy',
        'after       order database        cancelled',
        '            dispatch database     withdrawn',
        'provenance  message m-1',
        'decided by  ana',
        'note        by phone',
      ]),
    );
    const asJson = await cli('show', id, '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ...REPAIR, id, actor: 'ana' });
  });

  test('an order that was missing is shown as missing', async () => {
    const { dispatch, workflow, trigger } = REPAIR.before;
    const before = { dispatch, workflow, trigger };
    const id = await record({ before, done: 'restarted' });
    const { stdout } = await cli('show', id);
    expect(stdout).toMatch(/^before +order database +missing$/m);
  });

  test('one that is not there is refused', async () => {
    const result = await cli('show', '4711');
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(errorLine(result)).toBe('error: ResolutionRefused: there is no repair 4711');
  });

  test.each([
    ['list', '--done', 'mended'],
    ['list', '--since', 'yesterday'],
    ['list', '--limit', '0'],
    ['list', '--order', 'o 1'],
    ['show', 'x'],
  ])('%s %s %s exits with 2 and one line', async (...args) => {
    const result = await cli(...args.filter((arg) => arg !== undefined));
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unwrapped(result.stderr)).toMatch(/^error: [^\n]+\n$/);
  });
});
