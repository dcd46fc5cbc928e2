import { readFile } from 'node:fs/promises';
import type { TLSConfig } from '@temporalio/client';
import { InvalidConfiguration } from '../domain/errors';
import type { TemporalConfig } from '../runtime/config';

type ClientCertificate = 'tls' | 'tlsClientCertPath' | 'tlsClientKeyPath';

/**
 * What `Connection.connect` and `NativeConnection.connect` take, with the certificate read from its files.
 *
 * @throws {@link InvalidConfiguration} where one of the two files is not given, or cannot be read.
 */
export async function toConnectionOptions(
  config: Pick<TemporalConfig, 'address' | 'apiKey' | ClientCertificate>,
): Promise<{ address: string; apiKey?: string; tls?: TLSConfig | boolean }> {
  const { address, apiKey } = config;
  const tls = (await readClientCertificate(config)) ?? config.tls;
  return { address, ...(apiKey && { apiKey }), ...(tls !== undefined && { tls }) };
}

async function readClientCertificate(
  config: Pick<TemporalConfig, ClientCertificate>,
): Promise<TLSConfig | undefined> {
  const { tls, tlsClientCertPath, tlsClientKeyPath } = config;
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
