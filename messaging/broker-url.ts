/** The virtual host that an AMQP URL names. */
export function vhostOf(amqpUrl: string): string {
  return decoded(new URL(amqpUrl).pathname.slice(1)) || '/';
}

/** User and password of a URL, decoded; `undefined` where it names none. */
export function userOf(brokerUrl: string): { name: string; password: string } | undefined {
  const { username, password } = new URL(brokerUrl);
  if (username === '' && password === '') return undefined;
  return { name: decoded(username), password: decoded(password) };
}

/** The header `authorization` by which the management API takes the user of a URL. */
export function basicAuthorization(managementUrl: string): string {
  const { name, password } = userOf(managementUrl) ?? { name: '', password: '' };
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

/** A part of a URL; as it stands, where it is not percent-encoded UTF-8. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
