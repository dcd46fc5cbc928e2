import type { Command } from 'commander';
import type { PrunedTable } from '../operations/prune';
import {
  DEFAULT_RETENTION,
  LONGEST_RETENTION_DAYS,
  RETENTION_RULES,
  type RetainedTable,
  type Retention,
} from '../operations/prune-retention';
import { UsageError } from '../domain/errors';
import { wholeNumberOption } from './options';
import { print, say, wrapped, type OutputOptions } from './output';
import { formatTime } from './times';
import { chooseTarget, withDatabases } from './open-services';
import { createTable } from './table';
import type { TargetOptions } from './target-options';

interface PruneOptions extends TargetOptions, OutputOptions {
  dryRun?: boolean;
  batch: number;
  /** `ordersDays`, `deadLettersDays`, ...: one for each table. */
  [days: `${string}Days`]: number | undefined;
}

/** What a command exits with that Ctrl-C ended, in a shell. */
const EXIT_INTERRUPTED = 130;

const MAXIMUM_BATCH = 100_000;

/** What a table's rows are, for a person. */
const WHAT: Readonly<Record<RetainedTable, string>> = {
  orders: 'orders that are dispatched or cancelled, and about which nothing is open',
  acknowledgements: 'the ledger of answers; as long as their order, or longer',
  repairs: 'what reconciliations did; as long as their order, or longer',
  humanTasks: 'closed human tasks; as long as their order, or longer',
  deadLetters: 'dead letters that were replayed or discarded; never open ones',
  audit: 'who did what; as long as the order that it is about, or longer',
  outcomeEvents: 'events that were sent; never unsent ones',
  healthReports: 'what each health check saw',
  holds: 'holds that ended, and whose orders all went on',
  bulkRuns: 'bulk decisions that ended, with what came of each task',
  dispatches: "the dispatch database's couriers; as long as their order, or longer",
  inbox: "the dispatch database's stored answers; as long as their order, or longer",
  erasures: 'the audit of `erase`; as long as the orders that it blanked, or longer',
};

const TABLES = Object.keys(WHAT) as RetainedTable[];

const HELP = `
Ages count from a row's last change. Orders go first, and what must outlive them
only once they are gone. It works in short transactions, the oldest rows first:
it may be stopped with Ctrl-C (exit code 130, after the batch under way), killed
and run again at any time. Run it daily.

A retention is never shorter than what depends on it:
${RETENTION_RULES.map((rule) => wrapped(ruleText(rule), '  ')).join('\n')}
What is not given is the default, or longer where what is given needs it.

Without DISPATCH_DATABASE_URL only the order database is pruned. Temporal
removes histories by the retention of its namespace.

Examples:
  $ order-dispatch prune --dry-run
  $ order-dispatch prune --orders-days 60 --inbox-days 120 --batch 500`;

/** `prune`: deletes what has outlived its retention. */
export function addPruneCommand(program: Command): void {
  const prune = program
    .command('prune')
    .description('Delete what has outlived its retention, from both databases.');
  for (const table of TABLES) {
    prune.addOption(
      wholeNumberOption(
        `${optionOf(table)} <days>`,
        `${WHAT[table]} (default: ${DEFAULT_RETENTION[table]})`,
        { minimum: 1, maximum: LONGEST_RETENTION_DAYS },
      ),
    );
  }
  prune
    .option('--dry-run', 'count what would be deleted, and delete nothing')
    .addOption(
      wholeNumberOption('--batch <rows>', 'how many rows a transaction deletes at most', {
        minimum: 1,
        maximum: MAXIMUM_BATCH,
        default: 1_000,
      }),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => pruneDatabases(command.optsWithGlobals()));
}

async function pruneDatabases(options: PruneOptions): Promise<void> {
  const retention = await readRetention(options);
  const { batch: batchSize, dryRun = false } = options;
  const { services } = await chooseTarget(options, {
    needs: ['ordersDatabaseUrl'],
    mayUse: ['dispatchDatabaseUrl'],
  });
  const interrupt = new AbortController();
  const onSignal = () => {
    say('stopping after the batch under way; again to stop at once');
    interrupt.abort();
  };
  await withDatabases(services, async (databases) => {
    if (!databases.dispatch) say('DISPATCH_DATABASE_URL is not set: dispatches and inbox stay');
    const { prune } = await import('../operations/prune.js');
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    try {
      const { tables, interrupted } = await prune(databases, {
        retention,
        batchSize,
        dryRun,
        now: new Date(),
        signal: interrupt.signal,
        onProgress: ({ table, rows }) => {
          if (rows > 0) say(`${table}: ${rows} ${dryRun ? 'would be deleted' : 'deleted'}`);
        },
      });
      print(options, { dryRun, interrupted, retention, tables }, tableOf(tables, dryRun));
      if (!interrupted) return;
      say('interrupted: what is left goes with the next run');
      process.exitCode = EXIT_INTERRUPTED;
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  });
}

function tableOf(tables: readonly PrunedTable[], dryRun: boolean): string {
  const table = createTable(
    ['database', 'table', 'kept for', 'changed last before', dryRun ? 'would go' : 'deleted'],
    { colAligns: ['left', 'left', 'right', 'left', 'right'] },
  );
  for (const { database, table: name, days, before, rows } of tables) {
    table.push([database, name, `${days} d`, formatTime(new Date(before)), rows]);
  }
  return table.toString();
}

/** @throws {@link UsageError} that names the options as they are typed. */
async function readRetention(options: PruneOptions): Promise<Retention> {
  const { parseRetention } = await import('../operations/parse-retention.js');
  const given = TABLES.flatMap((table) => {
    const days = options[`${table}Days`];
    return days === undefined ? [] : [[table, days]];
  });
  try {
    return parseRetention(Object.fromEntries(given) as Partial<Retention>);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(message.replace(/retention\.(\w+)/g, (_, name: string) => optionOf(name)));
  }
}

function optionOf(table: string): string {
  return `--${table.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-days`;
}

function ruleText({ table, than, days, because }: (typeof RETENTION_RULES)[number]): string {
  const more = days > 0 ? `${than ? ' + ' : ''}${days}` : '';
  return `${optionOf(table)} >= ${than ? optionOf(than) : ''}${more}: ${because}`;
}
