import { basicAuthorization, vhostOf } from './broker-url';
import { BINDINGS } from './topology';

/** What only RabbitMQ's management API tells. */
export interface BrokerInsight {
  /** Bindings of ours that are not there, as `exchange -> queue (routing key)`. */
  missingBindings: string[];
  /** Resource alarms, as `resource on node`: while there is one, publishers are blocked. */
  alarms: string[];
  /** Names of connections that the broker takes nothing from just now, because of an alarm. */
  blockedConnections: string[];
  /** How far the broker's clock, which tells whole seconds, is ahead of ours, in ms; right to within a second and half of a round trip. */
  clockAheadMs: number;
}

/** How long an answer may take, in ms. */
const TIMEOUT_MS = 5_000;

/**
 * Asks the management API about a virtual host.
 *
 * @param given.managementUrl `http://user:password@host:port`; the user needs the tag `monitoring`.
 * @throws where it does not answer, or refuses: with what it says.
 */
export async function readManagement(given: {
  managementUrl: string;
  amqpUrl: string;
}): Promise<BrokerInsight> {
  const { origin } = new URL(given.managementUrl);
  const headers = { authorization: basicAuthorization(given.managementUrl) };
  const ask = (path: string) =>
    fetch(`${origin}/api/${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });

  const vhost = encodeURIComponent(vhostOf(given.amqpUrl));
  const asked = Date.now();
  const bindings = await ask(`bindings/${vhost}`);
  const answered = Date.now();
  if (!bindings.ok) throw new Error(`RabbitMQ's management API: ${bindings.status}`);
  const there = new Set(
    ((await bindings.json()) as Binding[]).map(({ source, destination, routing_key }) =>
      textOf({ exchange: source, queue: destination, routingKey: routing_key }),
    ),
  );
  // It answers 503 where there is an alarm.
  const alarms = (await (await ask('health/checks/alarms')).json()) as { alarms?: Alarm[] };
  const connections = (await (
    await ask(`vhosts/${vhost}/connections`)
  ).json()) as BrokerConnection[];
  const date = bindings.headers.get('date');
  return {
    blockedConnections: connections
      .filter(({ state }) => state === 'blocked' || state === 'blocking')
      .map(({ name, user_provided_name: given }) => given ?? name),
    missingBindings: BINDINGS.map(textOf).filter((binding) => !there.has(binding)),
    alarms: (alarms.alarms ?? []).map(({ resource, node }) => `${resource} on ${node}`),
    // Of this answer's own time: what is asked after it may take long.
    clockAheadMs: date === null ? 0 : Date.parse(date) - (asked + answered) / 2,
  };
}

interface Binding {
  source: string;
  destination: string;
  routing_key: string;
}

/** One that was just opened has no state yet. */
interface BrokerConnection {
  name: string;
  user_provided_name?: string;
  state?: string;
}

interface Alarm {
  node: string;
  resource: string;
}

function textOf(binding: { exchange: string; queue: string; routingKey: string }): string {
  const key = binding.routingKey === '' ? '' : ` (${binding.routingKey})`;
  return `${binding.exchange} -> ${binding.queue}${key}`;
}
