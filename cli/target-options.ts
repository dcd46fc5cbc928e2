import { Option, type Command } from 'commander';
import type { TemporalConfig } from '../runtime/config';
import { quoted } from './typed-command';

/** Who may say where a command goes. */
const SOURCES = ['environment', 'local-stack'] as const;

/** Who says where a command goes. */
export type Source = (typeof SOURCES)[number];

/** The options that say where a command goes; they win over the environment. */
export interface TargetOptions {
  from?: Source;
  address?: string;
  namespace?: string;
  apiKey?: string;
  tls?: boolean;
  tlsClientCertPath?: string;
  tlsClientKeyPath?: string;
  codecModule?: string;
  /** Only `dead-letters replay` has it. */
  amqpUrl?: string;
}

/** Adds the options that say where a command goes, which every command takes. */
export function withTargetOptions(program: Command): Command {
  return program
    .addOption(
      new Option('--from <source>', 'whose services, where both are there').choices(SOURCES),
    )
    .option('--address <host:port>', 'the Temporal frontend')
    .option('--namespace <name>', 'the Temporal namespace')
    .option('--api-key <key>', 'the API key; TEMPORAL_API_KEY keeps it out of the process list')
    .option('--tls', 'speak TLS; an API key or a client certificate implies it')
    .option('--tls-client-cert-path <path>', 'PEM file of the client certificate, for mutual TLS')
    .option('--tls-client-key-path <path>', "PEM file of the client certificate's key")
    .option(
      '--codec-module <path>',
      'CommonJS module that exports payloadCodecs or dataConverter, the same as the workers use',
    );
}

/** All of them but those that carry a secret. */
const REPEATED_OPTIONS = [
  'from',
  'address',
  'namespace',
  'tls',
  'tlsClientCertPath',
  'tlsClientKeyPath',
  'codecModule',
] as const satisfies readonly (keyof TargetOptions)[];

/** The options that another command needs to go to the same place, as they are typed; nothing secret. */
export function repeatedOptions(options: TargetOptions): string {
  return REPEATED_OPTIONS.flatMap((name) => {
    const value = options[name];
    if (value === undefined) return [];
    const option = ` --${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === true ? [option] : [`${option} ${quoted(String(value))}`];
  }).join('');
}

/** The same for Temporal's own command line; a key stays in `TEMPORAL_API_KEY`, which it reads, too. */
export function temporalOptions(access: TemporalConfig): string {
  const { address, namespace, tls, tlsClientCertPath, tlsClientKeyPath } = access;
  return [
    ` --address ${quoted(address)} --namespace ${quoted(namespace)}`,
    tls === true && ' --tls',
    tlsClientCertPath !== undefined && ` --tls-cert-path ${quoted(tlsClientCertPath)}`,
    tlsClientKeyPath !== undefined && ` --tls-key-path ${quoted(tlsClientKeyPath)}`,
  ]
    .filter((option) => option !== false)
    .join('');
}
