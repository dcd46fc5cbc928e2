/** `npm run openapi`: writes the API's description; with `--check`, compares it, and with the last release's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { authenticateSignedIn } from '../api/auth/signed-in';
import { keepSessions } from '../api/auth/session';
import { openApiOf } from '../api/openapi';
import { buildApiServer } from '../api/server';
import { openApiServices } from '../api/services';
import { packageRoot } from '../runtime/package-root';
import { silentLogger } from '../runtime/logger';
import { runCommand } from '../stack/supervision/run-command';
import { findBreakingChanges, type OpenApi } from './breaking-changes';
import { readLastRelease } from './last-release';

const FILE = 'docs/openapi.json';

runCommand('openapi', async () => {
  const path = join(packageRoot(), FILE);
  const described = await describe();
  const text = `${JSON.stringify(described, undefined, 2)}\n`;
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
    console.log(`${FILE} is written`);
    return 0;
  }
  const faults = [
    ...(readFileSync(path, 'utf8') === text ? [] : [`${FILE} is not what the routes say`]),
    ...(await breaks(described)),
  ];
  for (const fault of faults) console.error(fault);
  return faults.length === 0 ? 0 : 1;
});

/** The description, of a server that never listens and opens nothing. */
async function describe(): Promise<OpenApi> {
  const log = silentLogger();
  const temporal = { address: 'none:1', namespace: 'none' };
  const services = await openApiServices(
    { temporal, amqpUrl: 'amqp://none', ordersDatabaseUrl: 'postgres://none/none' },
    { log },
  );
  const sessions = keepSessions({ secret: 'none', lastMs: 1, isSecure: true });
  const nobodys = {
    verify: () => Promise.resolve(undefined),
    find: () => Promise.resolve(undefined),
  };
  const app = await buildApiServer({
    config: { ratePerMinute: 1, temporal },
    services,
    authentication: authenticateSignedIn({ kind: 'tokens', sessions, tokens: nobodys }),
    log,
  });
  try {
    await app.ready();
    return openApiOf(app);
  } finally {
    await app.close();
    await services.close();
  }
}

/** What the last release's callers would stumble over; nothing where it had no API. */
async function breaks(described: OpenApi): Promise<string[]> {
  const { version, files } = await readLastRelease();
  const released = files.get(basename(FILE));
  if (released === undefined) return [];
  return findBreakingChanges(JSON.parse(released) as OpenApi, described).map(
    (change) => `since ${version}: ${change}`,
  );
}
