/** Where a URL leads, for a person: host and name, without the user and the password that it carries. */
export function hostAndName(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
