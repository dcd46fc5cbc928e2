import { readFile } from 'node:fs/promises';
import { NativeConnection } from '@temporalio/worker';
import { DispatchUnavailable } from '../domain/errors';
import type { TemporalConfig } from '../runtime/config';

/**
 * Connects to Temporal.
 *
 * @throws {@link DispatchUnavailable} where nothing answers at the address.
 */
export async function connectTemporal(temporal: TemporalConfig): Promise<NativeConnection> {
  const { address, apiKey, tls, tlsClientCertPath, tlsClientKeyPath } = temporal;
  const clientCertPair =
    tlsClientCertPath && tlsClientKeyPath
      ? { crt: await readFile(tlsClientCertPath), key: await readFile(tlsClientKeyPath) }
      : undefined;
  try {
    return await NativeConnection.connect({
      address,
      ...(apiKey && { apiKey }),
      ...(clientCertPair ? { tls: { clientCertPair } } : tls !== undefined && { tls }),
    });
  } catch (cause) {
    const [why] = (cause as Error).message.split('\n');
    throw new DispatchUnavailable(`Temporal cannot be reached at ${address}: ${why}`, { cause });
  }
}
