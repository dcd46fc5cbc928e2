import closeWithGrace from 'close-with-grace';
import type { ProcessConfig } from './config';
import { armCrashPoint } from './crash-point';
import { haveDeliberateBug } from './deliberate-bug';
import { serveHealth, type SelfReport } from './health';
import { createLogger, type Logger } from './logger';
import { countProcess } from './metrics';
import { withoutWords } from './without-words';

/** How long closing may take before the process is ended, in ms. */
const CLOSE_TIMEOUT_MS = 30_000;

/** Something that a process runs until it is told to stop. */
export interface Service extends SelfReport {
  close: () => Promise<void>;
  /** Rejects when it cannot go on. */
  failed?: Promise<never>;
}

/**
 * A process's life: reads its settings, starts its service, answers for its health, and closes it on
 * SIGTERM or SIGINT, with exit code 0. A setting or a service that is missing ends it with one line
 * and exit code 1.
 */
export function runProcess<Config extends { process: ProcessConfig }>(
  name: string,
  readConfig: () => Config,
  start: (config: Config, log: Logger) => Promise<Service>,
): void {
  void run(name, readConfig, start).catch((error: unknown) => {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}

async function run<Config extends { process: ProcessConfig }>(
  name: string,
  readConfig: () => Config,
  start: (config: Config, log: Logger) => Promise<Service>,
): Promise<void> {
  const config = readConfig();
  const { logLevel, crashPoint, deliberateBug, healthHost, healthPort } = config.process;
  armCrashPoint(crashPoint);
  haveDeliberateBug(deliberateBug);
  const log = createLogger({ process: name, level: logLevel });
  const service = await start(config, log);
  const health =
    healthPort === undefined
      ? undefined
      : await serveHealth({ ...service, host: healthHost, port: healthPort });
  if (health) countProcess();
  closeWithGrace({ delay: CLOSE_TIMEOUT_MS, logger: false }, async ({ err, signal }) => {
    if (err) log.fatal({ err: withoutWords(err) }, 'cannot go on: stopping');
    else log.info({ signal }, 'stopping');
    await health?.close();
    await service.close();
    log.info('stopped');
  });
  // Left unhandled on purpose: that is how close-with-grace hears of it, and exits with 1.
  void service.failed?.then();
  log.info({ healthPort: health?.port }, 'ready');
}
