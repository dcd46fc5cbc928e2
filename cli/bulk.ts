import type { Command } from 'commander';
import { DispatchUnavailable, UsageError } from '../domain/errors';
import { followBulk, printReport } from './bulk-follow';
import { countsText, listText } from './bulk-text';
import { chooseTarget, tryTemporal, withDatabases, withTemporal } from './open-services';
import { parseTyped, wholeNumberOption } from './options';
import { print, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import { timeoutOption, type WaitOptions } from './waiting';

type CommonOptions = TargetOptions & OutputOptions;

const LARGEST_ID = 2_147_483_647;

const LIST_HELP = `
\`tasks resolve --where\` begins such a run. Works on the order database.

Example:
  $ order-dispatch bulk list`;

const SHOW_HELP = `
Says how many tasks are resolved, refused (somebody else, or an answer, was
quicker), failed, or skipped, and why. Exits with 1 where one failed, or the run
stopped early, or is watched and stands still. Works on the order database.

Examples:
  $ order-dispatch bulk show 7
  $ order-dispatch bulk show 7 --watch`;

const ABORT_HELP = `
At once: tasks whose turn has not come stay open as they are. What was resolved
stays resolved. Works on the order database.

Example:
  $ order-dispatch bulk abort 7 --actor mia --note "the broker is away again"`;

const RESUME_HELP = `
A run goes on by itself. This is for one whose workflow was never started (the
command that began it was killed just then) or was terminated: each task is
still resolved once.

Example:
  $ order-dispatch bulk resume 7`;

/** `bulk`: decisions about many human tasks, once they have begun. */
export function addBulkCommands(program: Command): void {
  const bulk = program
    .command('bulk')
    .description('The bulk runs: one decision about many human tasks.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch bulk list');
  bulk
    .command('list')
    .description('List bulk runs, the newest first.')
    .addOption(
      wholeNumberOption('--limit <rows>', 'how many at most', {
        minimum: 1,
        maximum: 10_000,
        default: 20,
      }),
    )
    .addHelpText('after', LIST_HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
  bulk
    .command('show')
    .description('Show how far a bulk run is, and what it could not resolve.')
    .argument('<BULK>', 'the number of `bulk list`', parseBulkId)
    .option('--watch', 'show it until it is over')
    .addOption(timeoutOption())
    .addHelpText('after', SHOW_HELP)
    .action((bulkId: number, _, command: Command) => show(bulkId, command.optsWithGlobals()));
  bulk
    .command('abort')
    .description('End a bulk run; what it has not come to stays as it is.')
    .argument('<BULK>', 'the number of `bulk list`', parseBulkId)
    .requiredOption('--actor <name>', 'who aborts')
    .requiredOption('--note <text>', 'why; others read it')
    .addHelpText('after', ABORT_HELP)
    .action((bulkId: number, _, command: Command) => abort(bulkId, command.optsWithGlobals()));
  bulk
    .command('resume')
    .description('Have a bulk run go on that stands still.')
    .argument('<BULK>', 'the number of `bulk list`', parseBulkId)
    .addHelpText('after', RESUME_HELP)
    .action((bulkId: number, _, command: Command) => resume(bulkId, command.optsWithGlobals()));
}

function parseBulkId(typed: string): number {
  if (/^[1-9]\d{0,9}$/.test(typed) && Number(typed) <= LARGEST_ID) return Number(typed);
  throw new UsageError('BULK: must be a number of `bulk list`');
}

async function list(options: CommonOptions & { limit: number }): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { listBulk } = await import('../operations/bulk.js');
    const runs = await listBulk(orders, options.limit);
    print(
      options,
      runs.map(({ run, counts }) => ({ ...run, counts })),
      listText(runs),
    );
  });
}

async function show(
  bulkId: number,
  options: CommonOptions & WaitOptions & { watch?: boolean },
): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['ordersDatabaseUrl'],
    ...(options.watch && { mayRead: ['temporal'] as const }),
  });
  await withDatabases(services, async ({ orders }) => {
    if (!options.watch) {
      const { reportBulk } = await import('../operations/bulk.js');
      printReport(options, await reportBulk(orders, bulkId));
      return;
    }
    const given = { bulkId, options, nextCommand };
    const { temporal } = services;
    if (!temporal) return followBulk(orders, given);
    await tryTemporal({ temporal }, (session) =>
      followBulk(orders, {
        ...given,
        ...(!(session instanceof DispatchUnavailable) && { temporal: session.temporal }),
      }),
    );
  });
}

async function abort(
  bulkId: number,
  options: CommonOptions & { actor: string; note: string },
): Promise<void> {
  const { parseAct } = await import('../domain/act.js');
  const act = parseTyped(() => parseAct(options));
  const { services, nextCommand } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { abortBulk } = await import('../operations/bulk.js');
    const { run, counts } = await abortBulk(orders, { bulkId, ...act });
    const next = nextCommand(`bulk show ${bulkId}`);
    print(
      options,
      { ...run, counts },
      `bulk run ${bulkId} is aborted: ${countsText(counts)}; what came of each: ${next}`,
    );
  });
}

async function resume(bulkId: number, options: CommonOptions): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal', 'ordersDatabaseUrl'],
  });
  await withDatabases(services, ({ orders: database }) =>
    withTemporal(services, async ({ temporal }) => {
      const { resumeBulk } = await import('../operations/bulk.js');
      const { run, counts } = await resumeBulk({ database, temporal }, bulkId);
      const next = nextCommand(`bulk show ${bulkId} --watch`);
      print(
        options,
        { ...run, counts },
        `bulk run ${bulkId} goes on: ${countsText(counts)}; to look: ${next}`,
      );
    }),
  );
}
