import type { Field } from './field';

/** A queue, and what is in it, delivered or not. */
export interface QueueState {
  name: string;
  messages: number;
}

/** Reads all queues of the run. */
export async function readQueues({ services, vhost }: Field): Promise<QueueState[]> {
  const { origin, username, password } = new URL(services.rabbitmq.managementUrl);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const response = await fetch(`${origin}/api/queues/${vhost}`, {
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`RabbitMQ: ${response.status}`);
  const queues = (await response.json()) as { name: string; messages?: number }[];
  return queues.map(({ name, messages = 0 }) => ({ name, messages }));
}
