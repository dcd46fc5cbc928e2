import type { DatabasesOf, OperatorDatabaseUrls } from '../operations/open-databases';
import type { OperatorSession } from '../operations/operator-session';
import { DispatchUnavailable } from '../domain/errors';
import { say } from './output';
import type { Service, ServiceUse, Services } from './target';
import { repeatedOptions, temporalOptions, type TargetOptions } from './target-options';
import { programName, quoted } from './typed-command';

// What speaks to Temporal or to a database is loaded by the command that needs it, when it needs it, so
// that help and errors about what was typed come at once.

/** Makes the exact next command for a person to type, for the same target. */
export type NextCommand = (words: string) => string;

/** Makes a command of Temporal's own command line, for the same Temporal. */
export type TemporalCommand = (words: string) => string;

/** Where a command goes. */
export interface CommandTarget<Needed extends Service, Used extends Service> {
  services: Pick<Services, Needed> & Partial<Pick<Services, Used>>;
  nextCommand: NextCommand;
  temporalCommand: TemporalCommand;
}

/**
 * Decides where a command goes, and says it.
 *
 * @throws UsageError where that is not clear.
 */
export async function chooseTarget<Needed extends Service = never, Used extends Service = never>(
  options: TargetOptions,
  use: ServiceUse & {
    needs: readonly Needed[];
    mayUse?: readonly Used[];
    mayRead?: readonly Used[];
  },
): Promise<CommandTarget<Needed, Used>> {
  const { resolveTarget } = await import('./target.js');
  const { readInstallationConfig } = await import('../runtime/config.js');
  const { findLocalStack } = await import('./find-local-stack.js');
  const stack = findLocalStack();
  const { source, services, description } = resolveTarget(use, {
    options,
    environment: readInstallationConfig(),
    stack,
  });
  const temporalCli = (source === 'local-stack' && stack?.temporalCli) || 'temporal';
  const { temporal } = services;
  say(`target: ${description}`);
  return {
    // It found all that is needed, or it would have thrown.
    services: services as CommandTarget<Needed, Used>['services'],
    nextCommand: (words) => `${programName()} ${words}${repeatedOptions(options)}`,
    temporalCommand: (words) =>
      `${quoted(temporalCli)} ${words}${temporal ? temporalOptions(temporal.access) : ''}`,
  };
}

/** Connects to Temporal, works, and closes the connection, whatever happens. */
export async function withTemporal<Result>(
  { temporal }: Pick<Services, 'temporal'>,
  work: (session: OperatorSession) => Promise<Result>,
): Promise<Result> {
  const { loadDataConverter } = await import('../temporal/codec-module.js');
  const { openOperatorSession } = await import('../operations/operator-session.js');
  const { access, codecModule } = temporal;
  const session = await openOperatorSession({
    access,
    ...(codecModule !== undefined && { dataConverter: loadDataConverter(codecModule) }),
  });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** The same for what goes on without Temporal: it gets why Temporal cannot be reached. */
export async function tryTemporal<Result>(
  services: Pick<Services, 'temporal'>,
  work: (temporal: OperatorSession | DispatchUnavailable) => Promise<Result>,
): Promise<Result> {
  let isOpen = false;
  try {
    return await withTemporal(services, (session) => {
      isOpen = true;
      return work(session);
    });
  } catch (error) {
    if (isOpen || !(error instanceof DispatchUnavailable)) throw error;
    return work(error);
  }
}

/** Opens the databases, works, and closes them, whatever happens. */
export async function withDatabases<Urls extends OperatorDatabaseUrls, Result>(
  urls: Urls,
  work: (databases: DatabasesOf<Urls>) => Promise<Result>,
): Promise<Result> {
  const { withOperatorDatabases } = await import('../operations/open-databases.js');
  return withOperatorDatabases(urls, work);
}
