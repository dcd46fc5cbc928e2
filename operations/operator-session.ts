import {
  Client,
  isGrpcServiceError,
  type Connection,
  type DataConverter,
} from '@temporalio/client';
import { OrderDispatchClient } from '../client';
import type { TemporalConfig } from '../runtime/config';
import { lazyConnection, openConnection, type OpenOptions } from '../temporal/connection';
import { toConnectionOptions } from '../temporal/connection-options';
import { isTemporalUnavailable } from '../temporal/fault';
import { DispatchUnavailable, InvalidConfiguration } from '../domain/errors';

/** What an operator's commands work with. */
export interface OperatorSession {
  namespace: string;
  /** What an order service has, too. */
  orders: OrderDispatchClient;
  /** Temporal's own client, for what the order service's does not offer. */
  temporal: Client;
  connection: Connection;
  close: () => Promise<void>;
}

/** How long a call that does not wait for an order may take, in ms. */
const CALL_TIMEOUT_MS = 10_000;

/** For a process that lives on: its callers would rather hear soon that Temporal is away. */
const FEW_ATTEMPTS = 4;

/** How long connecting may take, in ms: somebody sits and waits. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens what an operator's commands work with.
 *
 * @throws DispatchUnavailable where Temporal cannot be reached now; InvalidConfiguration where the
 * certificate cannot be used.
 */
export async function openOperatorSession(options: {
  access: TemporalConfig;
  dataConverter?: DataConverter;
  /** Connects with the first call, for a process that lives on without Temporal. @default false */
  lazy?: boolean;
}): Promise<OperatorSession> {
  const { access, dataConverter, lazy = false } = options;
  const { namespace } = access;
  const connectionOptions = await toConnectionOptions(access);
  const connection = lazy
    ? lazyConnection({ ...connectionOptions, maximumAttempts: FEW_ATTEMPTS })
    : await connect(connectionOptions);
  const shared = { connection, namespace, ...(dataConverter && { dataConverter }) };
  return {
    namespace,
    connection,
    orders: new OrderDispatchClient({ ...shared, callTimeoutMs: CALL_TIMEOUT_MS }),
    temporal: new Client(shared),
    close: () => connection.close(),
  };
}

async function connect(options: OpenOptions): Promise<Connection> {
  try {
    return await openConnection({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
  } catch (cause) {
    // A server that answers and refuses says so itself.
    if (isGrpcServiceError(cause) && !isTemporalUnavailable(cause)) throw cause;
    // The SDK's word for an address that is none.
    if (cause instanceof TypeError) {
      throw new InvalidConfiguration(`${options.address} is not host:port`, { cause });
    }
    const [why] = (cause as Error).message.split('\n');
    throw new DispatchUnavailable(`Temporal cannot be reached at ${options.address}: ${why}`, {
      cause,
    });
  }
}
