import { HEALTH_CHECKED_TYPE, healthCheckedSchema } from '../domain/messages/health-checked';
import { parseBody } from '../messaging/incoming-message';
import { listenToEvents } from '../messaging/listen';
import type { Logger } from '../runtime/logger';
import { watchHealthReport } from '../runtime/report-watch';

/** The health check, as a process minds it that has no order database to read its reports in. */
export interface HealthByMessage {
  /** `stale` where nobody has said for five minutes that it was made; `unknown` where it may not listen. */
  state: ReturnType<typeof watchHealthReport>['state'];
  close: () => Promise<void>;
}

/**
 * Minds the health check by what is told of each, so that this process says, too, when nobody checks.
 * Where it may not listen, it says why and goes on: orders do not depend on it.
 *
 * @param options.everyMs how often it looks when the last one was. @default 15000
 */
export async function watchHealthByMessage(options: {
  amqpUrl: string;
  log: Logger;
  everyMs?: number;
}): Promise<HealthByMessage> {
  const { amqpUrl: url, log, ...pace } = options;
  let last: { at: string } | undefined;
  const listening = await listenToEvents({
    url,
    name: 'dispatch-system health',
    log,
    type: HEALTH_CHECKED_TYPE,
    hear: (message) => {
      try {
        last = parseBody(message, healthCheckedSchema);
      } catch (error) {
        log.warn({ err: error }, 'what is said of the health check cannot be read');
      }
    },
  }).catch((error: unknown) => {
    const what =
      'nobody can hear here whether the health of the service is checked: a queue of its own is refused';
    log.warn({ err: error }, what);
    return undefined;
  });
  if (!listening) return { state: () => 'unknown', close: () => Promise.resolve() };
  const watch = watchHealthReport({ readLast: () => Promise.resolve(last), log, ...pace });
  return {
    state: watch.state,
    close: async () => {
      watch.close();
      await listening.close();
    },
  };
}
