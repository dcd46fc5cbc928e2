import { rabbitmqctl, closeConnections } from '../stack/servers/rabbitmqctl';
import { draw, pick, shuffled } from './draw';
import { SIDES, type Field, type Member, type Side } from './field';
import { query } from '../stack/servers/query';

/** Something that goes wrong. */
interface Fault {
  what: string;
  /** How long it lasts, in ms, at the least and at the most. */
  lastsMs: readonly [number, number];
  /**
   * Has it begin.
   *
   * @param at a number of the seed's, from 0 to below 1, that chooses the victim.
   * @returns what ends it, and the victim's name.
   */
  begin: (field: Field, at: number) => Promise<{ victim: string; end: () => Promise<void> }>;
}

const kill = (kind: Member['kind']): Fault => ({
  what: `SIGKILL of a ${kind}`,
  lastsMs: [500, 4_000],
  async begin(field, at) {
    const victim = memberAt(field.of(kind), at);
    // Its supervisor starts it again.
    await victim.restart('SIGKILL');
    return { victim: victim.name, end: () => victim.untilReady() };
  },
});

const onNetwork = (
  side: Side,
  what: string,
  fault: (proxy: Member['proxies'][Side]) => void,
): Fault => ({
  what: `${what}, between a process and its ${side}`,
  lastsMs: [1_000, 6_000],
  begin(field, at) {
    const victim = memberAt(field.members, at);
    const proxy = victim.proxies[side];
    fault(proxy);
    return Promise.resolve({
      victim: victim.name,
      end: () => Promise.resolve(proxy.mend()),
    });
  },
});

/** What can go wrong, by its name on the command line. */
const FAULTS: Readonly<Record<string, Fault>> = {
  killWorker: kill('worker'),
  killDispatchSystem: kill('dispatch-system'),
  killSupplement: kill('supplement'),
  killApi: kill('api'),
  killBroker: {
    what: 'the broker is killed, and started again',
    lastsMs: [1_000, 5_000],
    async begin({ services: { rabbitmq } }) {
      await rabbitmq.kill();
      return { victim: 'broker', end: () => rabbitmq.start() };
    },
  },
  closeConnections: {
    what: 'the broker closes all connections',
    lastsMs: [100, 100],
    async begin({ services: { rabbitmq }, vhost }) {
      await closeConnections(rabbitmq.rabbitmqctl, vhost);
      return { victim: 'broker', end: () => Promise.resolve() };
    },
  },
  memoryAlarm: {
    what: 'the broker runs out of memory, and blocks who publishes',
    lastsMs: [2_000, 6_000],
    async begin({ services: { rabbitmq } }) {
      const limitTo = async (share: string) => {
        await rabbitmqctl(rabbitmq.rabbitmqctl, ['set_vm_memory_high_watermark', share]);
      };
      await limitTo('0.00001');
      return { victim: 'broker', end: () => limitTo('0.4') };
    },
  },
  killPostgres: {
    what: 'both databases are killed, and started again',
    lastsMs: [500, 5_000],
    async begin({ services: { postgres } }) {
      await postgres.kill();
      return { victim: 'databases', end: () => postgres.start() };
    },
  },
  endSessions: {
    what: 'the sessions of both databases are ended',
    lastsMs: [100, 100],
    async begin({ direct }) {
      await endSessions(direct.postgresUrl);
      return { victim: 'databases', end: () => Promise.resolve() };
    },
  },
  readOnly: {
    what: 'both databases are read-only, as after a failover',
    lastsMs: [1_000, 6_000],
    async begin({ direct }) {
      const set = async (value: string) => {
        for (const database of ['chaos-orders', 'chaos-dispatch']) {
          await query(
            direct.postgresUrl,
            `ALTER DATABASE "${database}" SET default_transaction_read_only = ${value}`,
          );
        }
        await endSessions(direct.postgresUrl);
      };
      await set('on');
      return { victim: 'databases', end: () => set('off') };
    },
  },
  lockOrders: {
    what: 'somebody locks the table of orders',
    lastsMs: [1_000, 6_000],
    async begin({ direct }, at) {
      const seconds = 1 + at * 5;
      const locked = query(
        direct.ordersDatabaseUrl,
        `BEGIN; LOCK TABLE orders; SELECT pg_sleep(${seconds}); COMMIT`,
      );
      // A session that is ended by another fault gives its lock back.
      const end = () =>
        locked.then(
          () => {},
          () => {},
        );
      return Promise.resolve({ victim: 'order database', end });
    },
  },
  killTemporal: {
    what: 'Temporal is killed, and started again',
    lastsMs: [1_000, 5_000],
    async begin({ services: { temporal } }) {
      await temporal.kill();
      return { victim: 'temporal', end: () => temporal.start() };
    },
  },
  freezeWorker: {
    what: 'a worker stands still (SIGSTOP) past its timeouts, and goes on',
    lastsMs: [6_000, 12_000],
    begin(field, at) {
      const victim = memberAt(field.of('worker'), at);
      victim.signal('SIGSTOP');
      const end = () => Promise.resolve(victim.signal('SIGCONT'));
      return Promise.resolve({ victim: victim.name, end });
    },
  },
  ...Object.fromEntries(
    SIDES.flatMap((side): [string, Fault][] => [
      [`slow:${side}`, onNetwork(side, 'half a second of latency', (proxy) => proxy.delay(500))],
      [`cut:${side}`, onNetwork(side, 'connections are cut, and refused', (proxy) => proxy.cut())],
      [`hole:${side}`, onNetwork(side, 'a black hole', (proxy) => proxy.swallow())],
    ]),
  ),
  loseConfirms: {
    what: 'what was published is cut off before its confirm',
    lastsMs: [300, 1_500],
    begin(field, at) {
      const victim = memberAt([...field.of('worker'), ...field.of('dispatch-system')], at);
      const { broker } = victim.proxies;
      broker.hold();
      const end = () => {
        broker.cut();
        broker.mend();
        return Promise.resolve();
      };
      return Promise.resolve({ victim: victim.name, end });
    },
  },
  deleteRows: {
    what: 'rows of orders are deleted behind our back, as an insert that was rolled back',
    lastsMs: [100, 100],
    async begin({ direct }) {
      // Younger than the grace: their copies have not been compared.
      const deleted = await query<{ id: string }>(
        direct.ordersDatabaseUrl,
        `DELETE FROM orders WHERE order_id IN (
           SELECT order_id FROM orders WHERE created_at > now() - interval '1 s' LIMIT 3
         ) RETURNING order_id AS id`,
      );
      const victim = deleted.map(({ id }) => id).join(', ') || 'none';
      return { victim, end: () => Promise.resolve() };
    },
  },
  rollOut: {
    what: 'the next build is rolled out: each process is told to end, and one of it takes its place',
    lastsMs: [100, 100],
    begin(field) {
      const rolled = field.rollOut();
      return Promise.resolve({ victim: 'all processes', end: () => rolled });
    },
  },
};

/** The names of all faults. */
export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

/** A fault by its name. */
export function faultOf(name: string): Fault {
  const found = FAULTS[name];
  if (!found) throw new Error(`there is no fault ${name}`);
  return found;
}

/** When a fault begins, and for how long. */
export interface PlannedFault {
  name: string;
  /** From the start of the run, in ms. */
  atMs: number;
  lastsMs: number;
  /** Chooses its victim. */
  at: number;
}

/** From one fault to the next, in ms, at the most: shorter than many last, so that some come together. */
const GAP_MS = 5_000;

/** Plans a run: each fault comes before any comes again. The same seed plans the same. */
export function planFaults(
  seed: number,
  { names, forMs }: { names: readonly string[]; forMs: number },
): PlannedFault[] {
  const planned: PlannedFault[] = [];
  let atMs = 0;
  for (let round = 0; names.length > 0; round += 1) {
    for (const name of shuffled(names, seed, `round ${round}`)) {
      atMs += 1_000 + draw(seed, 'gap', planned.length) * GAP_MS;
      if (atMs > forMs) return planned;
      const [least, most] = faultOf(name).lastsMs;
      const lastsMs = Math.round(least + draw(seed, 'lasts', planned.length) * (most - least));
      planned.push({
        name,
        atMs: Math.round(atMs),
        lastsMs,
        at: draw(seed, 'victim', planned.length),
      });
    }
  }
  return planned;
}

async function endSessions(postgresUrl: string): Promise<void> {
  await query(
    postgresUrl,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname IN ('chaos-orders', 'chaos-dispatch')`,
  );
}

function memberAt(members: readonly Member[], at: number): Member {
  const [first, ...others] = members;
  if (!first) throw new Error('there is no such process');
  return pick([first, ...others], at);
}
