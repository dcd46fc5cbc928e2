/** Asks RabbitMQ's management API. */
export async function readManagement<Answer>(url: string, path: string): Promise<Answer> {
  const { origin, username, password } = new URL(url);
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const response = await fetch(`${origin}/api/${path}`, {
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  });
  if (!response.ok) throw new Error(`RabbitMQ: GET ${path}: ${response.status}`);
  return (await response.json()) as Answer;
}
