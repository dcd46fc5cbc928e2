import { resolve } from 'node:path';
import { InvalidConfiguration } from '../domain/errors';
import { readDispatchSystemConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { decide, type Decide } from './decide';
import { startDispatchSystem } from './dispatch-system';
import { watchHealthByMessage } from './health-by-message';

/** The dispatch system as a process of its own. */
runProcess('dispatch-system', readDispatchSystemConfig, async (config, log) => {
  const { amqpUrl, dispatchDatabaseUrl, decideModule } = config;
  const dispatchSystem = await startDispatchSystem({
    amqpUrl,
    databaseUrl: dispatchDatabaseUrl,
    decide: decideModule ? await loadDecide(decideModule) : decide,
    log,
  });
  const health = await watchHealthByMessage({ amqpUrl, log });
  return {
    ready: dispatchSystem.ready,
    details: () => ({ healthReport: health.state() }),
    close: async () => {
      await health.close();
      await dispatchSystem.close();
    },
  };
});

async function loadDecide(path: string): Promise<Decide> {
  const exported = (await import(resolve(path)).catch((cause: unknown) => {
    throw new InvalidConfiguration(
      `DISPATCH_SYSTEM_DECIDE_MODULE: ${path} cannot be loaded: ${(cause as Error).message.split('\n')[0]}`,
      { cause },
    );
  })) as { decide?: unknown };
  if (typeof exported.decide === 'function') return exported.decide as Decide;
  throw new InvalidConfiguration(
    `DISPATCH_SYSTEM_DECIDE_MODULE: ${path} must export a function \`decide\``,
  );
}
