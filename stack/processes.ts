import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import type { StackFile } from '../runtime/stack-file';

/** Where the services are that a stack brought up, or was given. */
export type ConnectionDetails = Omit<StackFile, 'pids'>;

interface OurProcess {
  /** In sentences. */
  title: string;
  /** The list of its process IDs in `.local/stack.json`. */
  pids: Exclude<keyof StackFile['pids'], 'stack'>;
  /** What it needs to know of the stack, as its configuration. */
  environment: (stack: ConnectionDetails) => Record<string, string | undefined>;
}

/** The service's own processes, by the folder that each is in, in the order of their start. */
export const PROCESSES = {
  'dispatch-system': {
    title: 'dispatch system',
    pids: 'dispatchSystem',
    environment: (stack) => ({
      AMQP_URL: stack.amqpUrl,
      DISPATCH_DATABASE_URL: stack.dispatchDatabaseUrl,
    }),
  },
  worker: {
    title: 'worker',
    pids: 'worker',
    environment: (stack) => ({
      ...temporalEnvironment(stack),
      AMQP_URL: stack.amqpUrl,
      ORDERS_DATABASE_URL: stack.ordersDatabaseUrl,
    }),
  },
  supplement: {
    title: 'supplement system',
    pids: 'supplement',
    environment: (stack) => ({
      ...temporalEnvironment(stack),
      AMQP_URL: stack.amqpUrl,
      RABBITMQ_MANAGEMENT_URL: stack.rabbitmqManagementUrl,
      ORDERS_DATABASE_URL: stack.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: stack.dispatchDatabaseUrl,
    }),
  },
  api: {
    title: 'HTTP API',
    pids: 'api',
    environment: (stack) => ({
      ...temporalEnvironment(stack),
      AMQP_URL: stack.amqpUrl,
      ORDERS_DATABASE_URL: stack.ordersDatabaseUrl,
      DISPATCH_DATABASE_URL: stack.dispatchDatabaseUrl,
      API_HOST: '127.0.0.1',
      API_PORT: stack.desk && new URL(stack.desk).port,
      ...(stack.webUi !== '' && { TEMPORAL_UI_URL: stack.webUi }),
    }),
  },
} as const satisfies Record<string, OurProcess>;

/** One of the service's own processes. */
export type ProcessName = keyof typeof PROCESSES;

/** The service's own processes, in the order of their start. */
export const PROCESS_NAMES = Object.keys(PROCESSES) as ProcessName[];

/** The compiled program of a process. */
export function programOf(name: ProcessName): string {
  return join(packageRoot(), 'dist', name, 'main.js');
}

/** Whatever else the environment says about Temporal is about a server of its own. */
function temporalEnvironment(stack: ConnectionDetails): Record<string, string | undefined> {
  const own = {
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.temporalNamespace,
  };
  if (process.env['TEMPORAL_ADDRESS'] === stack.temporalAddress) return own;
  return {
    ...own,
    TEMPORAL_API_KEY: undefined,
    TEMPORAL_TLS: undefined,
    TEMPORAL_TLS_CLIENT_CERT_PATH: undefined,
    TEMPORAL_TLS_CLIENT_KEY_PATH: undefined,
  };
}
