import { findDispatchRows, openDispatchView } from '../database/dispatch/dispatch-view';
import { pendingMigrations } from '../database/migrate';
import { readServerFacts } from '../database/server-facts';
import { InvalidConfiguration } from '../domain/errors';
import { hostAndName } from '../domain/host-and-name';
import { TASK_QUEUES } from '../domain/temporal-names';
import { inspectTopology } from '../messaging/inspect-topology';
import { readManagement } from '../messaging/management';
import { pollersOf } from '../temporal/task-queue';
import { missingSchedules } from '../temporal/schedules';
import { isListRefused, missingSearchAttributes } from '../temporal/search-attributes';
import { temporalClockAheadMs } from '../temporal/server-clock';
import { refuseAdoptersUrl } from './adopters-database';
import { openOperatorSession, type OperatorSession } from './operator-session';

/** Where the services are that a doctor looks at; what is absent is not checked. */
export interface DoctorTarget {
  temporal?: Parameters<typeof openOperatorSession>[0];
  ordersDatabaseUrl?: string;
  dispatchDatabaseUrl?: string;
  amqpUrl?: string;
  rabbitmqManagementUrl?: string;
}

/** What came of one look. */
export interface Diagnosis {
  /** What was looked at. */
  what: string;
  /** `warning`: it works, and should be looked at. */
  state: 'ok' | 'warning' | 'failed' | 'notChecked';
  /** What is so. */
  says: string;
  /** What mends it: a command, where there is one. */
  mend?: string;
}

/** How far clocks may be apart, in ms: deadlines and the sweep's windows are compared over two of them. */
const CLOCK_TOLERANCE_MS = 1_000;

/** How far the management API's clock, which tells whole seconds, may be. */
const COARSE_TOLERANCE_MS = 2_000;

/**
 * Looks at all that an installation stands on, before a deploy or when nothing works; changes nothing.
 * One thing that is broken hides none of the others.
 */
export async function examine(target: DoctorTarget): Promise<Diagnosis[]> {
  const groups = await Promise.all([
    examineTemporal(target),
    examineOrdersDatabase(target),
    examineDispatchDatabase(target),
    examineBroker(target),
    examineManagement(target),
  ]);
  return groups.flat();
}

async function examineTemporal({ temporal }: DoctorTarget): Promise<Diagnosis[]> {
  const what = 'Temporal';
  if (!temporal) return [notSet(what, 'TEMPORAL_ADDRESS')];
  const { address, namespace } = temporal.access;
  let session: OperatorSession;
  try {
    session = await openOperatorSession(temporal);
  } catch (error) {
    return [failed(what, error, `start it, or correct TEMPORAL_ADDRESS (${address})`)];
  }
  try {
    const { connection, temporal: client } = session;
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    const reachable = ok(what, `${address}, version ${serverVersion}`);
    try {
      await connection.workflowService.describeNamespace({ namespace });
    } catch (error) {
      const create = `temporal operator namespace create --namespace ${namespace}`;
      return [reachable, failed(`namespace ${namespace}`, error, create)];
    }
    const [itsClock, attributes, schedules, ...queues] = await Promise.all([
      examineTemporalClock(session),
      examineSearchAttributes(session),
      look(
        'schedules',
        'order-dispatch setup schedules (one that is paused: temporal schedule toggle --unpause --schedule-id ID)',
        async () => missing(await missingSchedules(client)),
      ),
      ...Object.entries(TASK_QUEUES).map(([name, taskQueue]) =>
        examinePollers(session, taskQueue, name === 'supplement' ? 'supplement system' : 'worker'),
      ),
    ]);
    const there = ok(`namespace ${namespace}`, 'there');
    return [reachable, there, itsClock, attributes, schedules, ...queues];
  } catch (error) {
    return [failed(what, error, 'look at its log')];
  } finally {
    await session.close();
  }
}

async function examineTemporalClock(session: OperatorSession): Promise<Diagnosis> {
  try {
    const aheadMs = await temporalClockAheadMs(session.connection, session.namespace);
    return clock('Temporal', aheadMs, CLOCK_TOLERANCE_MS);
  } catch (error) {
    // Who may only read cannot poll.
    const says = error instanceof Error ? error.message : String(error);
    return { what: 'Temporal: clock', state: 'notChecked', says };
  }
}

async function examineSearchAttributes(session: OperatorSession): Promise<Diagnosis> {
  const what = 'search attributes';
  const mend = 'order-dispatch setup search-attributes';
  try {
    const lacking = missing(await missingSearchAttributes(session));
    return lacking === undefined ? ok(what, 'all there') : refusal(what, lacking, mend);
  } catch (error) {
    if (!isListRefused(error)) return failed(what, error, mend);
    return { what, state: 'notChecked', says: `the server does not list them: ${error.details}` };
  }
}

async function examinePollers(
  { temporal, namespace }: OperatorSession,
  taskQueue: string,
  process: string,
): Promise<Diagnosis> {
  const what = `task queue ${taskQueue}`;
  try {
    const pollers = await pollersOf(temporal, { namespace, taskQueue });
    if (pollers > 0) return ok(what, pollers === 1 ? '1 poller' : `${pollers} pollers`);
  } catch (error) {
    return failed(what, error, 'look at the log of Temporal');
  }
  return { what, state: 'warning', says: 'nobody polls it', mend: `start a ${process}` };
}

async function examineOrdersDatabase({
  ordersDatabaseUrl: url,
}: DoctorTarget): Promise<Diagnosis[]> {
  const what = 'order database';
  if (url === undefined) return [notSet(what, 'ORDERS_DATABASE_URL')];
  return [
    ...(await examineServer(what, url, 'ORDERS_DATABASE_URL')),
    await examineMigrations(what, url, 'orders'),
  ];
}

async function examineDispatchDatabase(target: DoctorTarget): Promise<Diagnosis[]> {
  const { dispatchDatabaseUrl: url } = target;
  const what = 'dispatch database';
  if (url === undefined) return [notSet(what, 'DISPATCH_DATABASE_URL')];
  // Of a dispatch system that is not ours, only the view is our business.
  const isOurs = await refuseAdoptersUrl(url).then(
    () => true,
    (error: unknown) => !(error instanceof InvalidConfiguration),
  );
  const server = await examineServer(what, url, 'DISPATCH_DATABASE_URL');
  return [
    ...(isOurs ? server : server.filter((each) => !each.what.endsWith('permissions'))),
    ...(isOurs ? [await examineMigrations(what, url, 'dispatch')] : []),
    await look(
      "dispatch database's view",
      'see "The view" in docs/dispatch-system.md; of our own: order-dispatch setup migrate',
      async () => {
        const view = openDispatchView({ url, maximumConnections: 1 });
        try {
          await findDispatchRows(view, []);
          return undefined;
        } finally {
          await view.close();
        }
      },
    ),
  ];
}

async function examineServer(what: string, url: string, variable: string): Promise<Diagnosis[]> {
  const place = hostAndName(url);
  try {
    const facts = await readServerFacts(url);
    const { version, clockAheadMs, missingPrivileges } = facts;
    const role = decodeURIComponent(new URL(url).username);
    const grant = `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`;
    return [
      ok(what, `${place}, PostgreSQL ${version}`),
      missingPrivileges.length === 0
        ? ok(`${what}: permissions`, 'enough')
        : refusal(`${what}: permissions`, `no ${missingPrivileges.join(', ')}`, grant),
      clock(what, clockAheadMs, CLOCK_TOLERANCE_MS),
      // Through a PgBouncer no session can set it.
      ...(facts.endsIdleTransactions
        ? []
        : [
            {
              what: `${what}: idle transactions`,
              state: 'warning' as const,
              says: 'never ended: a process that stands still keeps its locks',
              mend: `ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '60s'`,
            },
          ]),
    ];
  } catch (error) {
    return [failed(what, error, `start it, or correct ${variable} (${place})`)];
  }
}

function examineMigrations(
  what: string,
  url: string,
  schema: 'orders' | 'dispatch',
): Promise<Diagnosis> {
  return look(`${what}: migrations`, 'order-dispatch setup migrate', async () =>
    missing(await pendingMigrations({ url, schema })),
  );
}

async function examineBroker({ amqpUrl }: DoctorTarget): Promise<Diagnosis[]> {
  const what = 'RabbitMQ';
  if (amqpUrl === undefined) return [notSet(what, 'AMQP_URL')];
  const place = hostAndName(amqpUrl);
  try {
    const { version, missing: absent, refused } = await inspectTopology(amqpUrl);
    const topology = 'exchanges and queues';
    return [
      ok(what, `${place}, version ${version}`),
      ...refused.map(({ name, why }) =>
        refusal(
          name,
          why,
          /ACCESS_REFUSED/.test(why)
            ? 'rabbitmqctl set_permissions -p VHOST USER ".*" ".*" ".*"'
            : `stop the processes, empty it, then delete it (rabbitmqctl delete_queue ${name}): it is declared anew`,
        ),
      ),
      absent.length === 0
        ? ok(topology, refused.length === 0 ? 'all there, as we declare them' : 'all there')
        : {
            ...{
              what: topology,
              state: 'warning' as const,
              says: `not there yet: ${absent.join(', ')}`,
            },
            mend: 'start a process: each declares them',
          },
    ];
  } catch (error) {
    return [failed(what, error, `start it, or correct AMQP_URL (${place})`)];
  }
}

async function examineManagement(target: DoctorTarget): Promise<Diagnosis[]> {
  const { amqpUrl, rabbitmqManagementUrl: managementUrl } = target;
  const what = 'bindings and alarms';
  if (amqpUrl === undefined || managementUrl === undefined) {
    return [notSet(what, 'RABBITMQ_MANAGEMENT_URL')];
  }
  try {
    const insight = await readManagement({ managementUrl, amqpUrl });
    const { missingBindings, alarms, clockAheadMs } = insight;
    return [
      missingBindings.length === 0
        ? ok('bindings', 'all there')
        : refusal(
            'bindings',
            `there is no ${missingBindings.join(', ')}`,
            'start a process that publishes: it declares them, and again each minute',
          ),
      alarms.length === 0
        ? ok('alarms', 'none')
        : refusal('alarms', `RabbitMQ is out of ${alarms.join(', ')}`, 'free disk or memory there'),
      clock('RabbitMQ', clockAheadMs, COARSE_TOLERANCE_MS),
    ];
  } catch (error) {
    return [
      failed(what, error, 'correct RABBITMQ_MANAGEMENT_URL; its user needs the tag monitoring'),
    ];
  }
}

/** Looks whether something is missing. @param find says what; `undefined` where nothing is. */
async function look(
  what: string,
  mend: string,
  find: () => Promise<string | undefined>,
): Promise<Diagnosis> {
  try {
    const found = await find();
    return found === undefined ? ok(what, 'all there') : refusal(what, found, mend);
  } catch (error) {
    return failed(what, error, mend);
  }
}

function missing(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `missing: ${names.join(', ')}`;
}

function clock(of: string, aheadMs: number, toleranceMs: number): Diagnosis {
  const what = `${of}: clock`;
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1);
  if (Math.abs(aheadMs) <= toleranceMs) return ok(what, 'as ours');
  const says = `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`;
  return { what, state: 'warning', says, mend: 'synchronise the clocks (NTP) of both machines' };
}

function ok(what: string, says: string): Diagnosis {
  return { what, state: 'ok', says };
}

function refusal(what: string, says: string, mend: string): Diagnosis {
  return { what, state: 'failed', says, mend };
}

function failed(what: string, error: unknown, mend: string): Diagnosis {
  const message = error instanceof Error ? error.message : String(error);
  // Prisma says what it was doing first, and what went wrong last.
  return refusal(what, message.trim().split('\n').at(-1) ?? message, mend);
}

function notSet(what: string, variable: string): Diagnosis {
  return { what, state: 'notChecked', says: `${variable} is not set` };
}
