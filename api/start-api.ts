import type { ApiConfig } from '../runtime/api-config';
import type { Logger } from '../runtime/logger';
import { openAuthentication } from './auth/open-authentication';
import { buildApiServer } from './server';
import { openApiServices } from './services';

/** The API, listening. */
export interface Api {
  /** Where it is, for who sits at this machine. */
  url: string;
  close: () => Promise<void>;
}

/**
 * Starts the API.
 *
 * @throws InvalidConfiguration where a file of its settings cannot be used.
 */
export async function startApi(config: ApiConfig, log: Logger): Promise<Api> {
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
  return {
    url,
    close: async () => {
      await app.close();
      await services.close();
    },
  };
}
