import { readFile } from 'node:fs/promises';
import {
  Client,
  Connection,
  isGrpcServiceError,
  type ConnectionOptions,
  type DataConverter,
  type TLSConfig,
} from '@temporalio/client';
import { OrderDispatchClient } from '../client';
import { isTemporalUnavailable } from '../client/temporal-unavailable';
import { DispatchUnavailable, InvalidConfiguration } from '../domain/errors';

/** Where Temporal is and what opens it. */
export interface TemporalAccess {
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  apiKey?: string;
  /** @default true with an API key or a client certificate, else false */
  tls?: boolean;
  /** Paths of PEM files, for mutual TLS; both or neither. */
  tlsClientCertPath?: string;
  tlsClientKeyPath?: string;
}

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

/** How long connecting may take, in ms: somebody sits and waits. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens what an operator's commands work with.
 *
 * @throws DispatchUnavailable where Temporal cannot be reached; InvalidConfiguration where the
 * certificate cannot be used.
 */
export async function openOperatorSession(options: {
  access: TemporalAccess;
  dataConverter?: DataConverter;
}): Promise<OperatorSession> {
  const { access, dataConverter } = options;
  const { namespace } = access;
  const connectionOptions = await toConnectionOptions(access);
  const connection = await connect(connectionOptions);
  const shared = { connection, namespace, ...(dataConverter && { dataConverter }) };
  return {
    namespace,
    connection,
    orders: new OrderDispatchClient({ ...shared, callTimeoutMs: CALL_TIMEOUT_MS }),
    temporal: new Client(shared),
    close: () => connection.close(),
  };
}

/**
 * What `Connection.connect` takes, with the certificate read from its files.
 *
 * @throws {@link InvalidConfiguration} where one of the two files is not given, or cannot be read.
 */
async function toConnectionOptions(
  access: Omit<TemporalAccess, 'namespace'>,
): Promise<Pick<ConnectionOptions, 'address' | 'apiKey' | 'tls'>> {
  const { address, apiKey } = access;
  const tls = (await readClientCertificate(access)) ?? access.tls;
  return { address, ...(apiKey && { apiKey }), ...(tls !== undefined && { tls }) };
}

async function connect(options: ConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS });
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

async function readClientCertificate(
  access: Pick<TemporalAccess, 'tls' | 'tlsClientCertPath' | 'tlsClientKeyPath'>,
): Promise<TLSConfig | undefined> {
  const { tls, tlsClientCertPath, tlsClientKeyPath } = access;
  if (!tlsClientCertPath && !tlsClientKeyPath) return undefined;
  if (!tlsClientCertPath || !tlsClientKeyPath) {
    throw new InvalidConfiguration(
      'mutual TLS takes a client certificate and its key: only one of the two paths is set',
    );
  }
  if (tls === false) {
    throw new InvalidConfiguration('a client certificate is set, and TLS is switched off');
  }
  const [crt, key] = await Promise.all([
    readPem('certificate', tlsClientCertPath),
    readPem('key', tlsClientKeyPath),
  ]);
  return { clientCertPair: { crt, key } };
}

async function readPem(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InvalidConfiguration(`TLS client ${what} ${path} cannot be read (${code})`, {
      cause,
    });
  }
}
