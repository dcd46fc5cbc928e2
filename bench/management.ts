import { basicAuthorization } from '../messaging/broker-url';

/** Asks RabbitMQ's management API. */
export async function readManagement<Answer>(url: string, path: string): Promise<Answer> {
  const response = await fetch(`${new URL(url).origin}/api/${path}`, {
    headers: { authorization: basicAuthorization(url) },
  });
  if (!response.ok) throw new Error(`RabbitMQ: GET ${path}: ${response.status}`);
  return (await response.json()) as Answer;
}
