import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { DispatchUnavailable, ResolutionRefused, WaitTimedOut } from '../domain/errors';
import type { BulkReport } from '../operations/bulk';
import type { OperatorDatabases } from '../operations/open-databases';
import { countsText, lookedAt, reportText } from './bulk-text';
import { EXIT } from './exit';
import type { NextCommand } from './open-services';
import { print, say, type OutputOptions } from './output';
import { progressBar } from './progress-bar';
import type { WaitOptions } from './waiting';

/** How often it looks how far a run is, in ms. */
const LOOK_EVERY_MS = 500;

/** What a shell says of a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Shows how a bulk run goes until it is over, and prints its report; then exits with 1 where a task
 * failed, or the run stopped early. Ctrl-C ends the looking, not the run.
 *
 * @param given.temporal tells whether the run's workflow was ended. @default that is not looked at
 * @throws {@link WaitTimedOut}; ResolutionRefused if the run goes on no more, since its workflow was ended.
 */
export async function followBulk(
  database: OperatorDatabases['orders'],
  given: {
    bulkId: number;
    options: OutputOptions & WaitOptions;
    nextCommand: NextCommand;
    temporal?: Client;
  },
): Promise<void> {
  const { bulkId, options, nextCommand } = given;
  const { reportBulk } = await import('../operations/bulk.js');
  const goesOn = `bulk run ${bulkId} goes on by itself; where it stands: ${nextCommand(`bulk show ${bulkId} --watch`)}`;
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    if (await isOver(database, { ...given, goesOn, signal: interrupted.signal })) {
      printReport(options, await reportBulk(database, bulkId));
      return;
    }
    say(goesOn);
    process.exitCode = INTERRUPTED;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Prints how a run stands, and exits with 1 where something of it failed. */
export function printReport(options: OutputOptions, report: BulkReport): void {
  const { run, counts } = report;
  print(options, { ...run, counts, rows: report.rows }, reportText(report));
  const stoppedEarly = run.state === 'canaryFailed' || run.state === 'aborted';
  if (counts.failed > 0 || stoppedEarly) process.exitCode = EXIT.refused;
}

/** @returns false if Ctrl-C came first. */
async function isOver(
  database: OperatorDatabases['orders'],
  given: Parameters<typeof followBulk>[1] & { goesOn: string; signal: AbortSignal },
): Promise<boolean> {
  const { bulkId, options, nextCommand, temporal, goesOn, signal } = given;
  const { readBulk } = await import('../operations/bulk.js');
  const bar = progressBar();
  const until = Date.now() + (options.timeout ?? Infinity) * 1_000;
  let hadEnded = false;
  try {
    for (;;) {
      const { run, counts } = await readBulk(database, bulkId);
      const { done, of } = lookedAt(counts);
      bar.show(done, of, countsText({ ...counts, pending: 0 }));
      if (run.state !== 'running') return true;
      const hasEnded = await hasWorkflowEnded(temporal, bulkId);
      // At the first such look the run's state may be older than its workflow's end.
      if (hasEnded && hadEnded) {
        throw new ResolutionRefused(
          `bulk run ${bulkId} stands still, since its workflow does not run; to have it go on: ${nextCommand(`bulk resume ${bulkId}`)}`,
        );
      }
      hadEnded = hasEnded;
      if (Date.now() > until) throw new WaitTimedOut(`waited ${options.timeout} s: ${goesOn}`);
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return false;
    }
  } finally {
    bar.end();
  }
}

async function hasWorkflowEnded(temporal: Client | undefined, bulkId: number): Promise<boolean> {
  if (!temporal) return false;
  const { isUnderWay } = await import('../operations/bulk.js');
  try {
    return !(await isUnderWay(temporal, bulkId));
  } catch (error) {
    // While Temporal is away, the run waits for it.
    if (error instanceof DispatchUnavailable) return false;
    throw error;
  }
}
