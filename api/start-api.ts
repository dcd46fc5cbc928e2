import type { ApiConfig } from '../runtime/api-config';
import { readHealth } from '../operations/health';
import type { Logger } from '../runtime/logger';
import { watchHealthReport } from '../runtime/report-watch';
import type { Service } from '../runtime/run-process';
import { openAuthentication } from './auth/open-authentication';
import { buildApiServer } from './server';
import { openApiServices } from './services';

/**
 * Starts the API. It is ready while the order database answers; Temporal, it can do a while without.
 *
 * @throws InvalidConfiguration where a file of its settings cannot be used.
 */
export async function startApi(config: ApiConfig, log: Logger): Promise<Service> {
  const authentication = await openAuthentication(config, log);
  const services = await openApiServices(config, { log });
  const app = await buildApiServer({
    config,
    services,
    authentication,
    log,
  });
  const url = await app.listen({ host: config.host, port: config.port });
  log.info({ url }, 'listening');
  let isAnswered = false;
  const report = watchHealthReport({
    readLast: async () => {
      const asked = services.withDatabases(({ orders }) => readHealth(orders));
      // While it is asked it is as it was.
      isAnswered = await asked.then(
        () => true,
        () => false,
      );
      return (await asked).report;
    },
    log,
  });
  return {
    ready: () => isAnswered,
    details: () => ({ healthReport: report.state() }),
    close: async () => {
      report.close();
      await app.close();
      await services.close();
    },
  };
}
