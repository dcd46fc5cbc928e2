import { resolve } from 'node:path';
import { readDispatchSystemConfig } from '../runtime/config';
import { runProcess } from '../runtime/run-process';
import { decide, type Decide } from './decide';
import { startDispatchSystem } from './dispatch-system';

/** The dispatch system as a process of its own. */
runProcess('dispatch-system', readDispatchSystemConfig, async (config, log) => {
  const { amqpUrl, dispatchDatabaseUrl, decideModule } = config;
  const scripted = decideModule
    ? ((await import(resolve(decideModule))) as { decide: Decide })
    : { decide };
  return startDispatchSystem({
    amqpUrl,
    databaseUrl: dispatchDatabaseUrl,
    decide: scripted.decide,
    log,
  });
});
