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

/** A part of a URL; as it stands, where it is not percent-encoded UTF-8. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
