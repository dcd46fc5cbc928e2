import Table from 'cli-table3';
import { Option, type Command } from 'commander';
import type { PrunedTable } from '../operations/prune';
import {
  DEFAULT_RETENTION,
  RETENTION_RULES,
  parseRetention,
  type RetainedTable,
  type Retention,
} from '../operations/prune-retention';
import { DATABASE_SOURCES, withDatabases, type DatabaseSource } from './databases';
import { UsageError } from './exit';
import { print, say, type OutputOptions } from './output';

interface PruneOptions extends OutputOptions {
  from?: DatabaseSource;
  dryRun?: boolean;
  batch: string;
  /** `ordersDays`, `deadLettersDays`, ...: one for each table. */
  [days: `${string}Days`]: string | undefined;
}

/** What a command exits with that Ctrl-C ended, in a shell. */
const EXIT_INTERRUPTED = 130;

const MAXIMUM_BATCH = 100_000;

/** What a table's rows are, for a person. */
const WHAT: Readonly<Record<RetainedTable, string>> = {
  orders: 'orders that are dispatched or cancelled, and about which nothing is open',
  acknowledgements: 'the ledger of answers; as long as their order, or longer',
  repairs: 'what reconciliations did; as long as their order, or longer',
  deadLetters: 'dead letters that were replayed or discarded; never open ones',
  dispatches: "the dispatch database's couriers; as long as their order, or longer",
  inbox: "the dispatch database's stored answers; as long as their order, or longer",
  erasures: 'the audit of `erase`; as long as the orders that it blanked, or longer',
};

const TABLES = Object.keys(WHAT) as RetainedTable[];

const HELP = `
Ages count from a row's last change. Orders go first, and what must outlive them only once they are
gone. It works in short transactions, the oldest rows first: it may be stopped with Ctrl-C (exit code
130, after the batch under way), killed and run again at any time. Run it daily.

A retention is never shorter than what depends on it:
${RETENTION_RULES.map((rule) => `  ${ruleText(rule)}`).join('\n')}
What is not given is the default, or longer where what is given needs it.

Without DISPATCH_DATABASE_URL only the order database is pruned. Temporal removes histories by the
retention of its namespace.

Examples:
  $ order-dispatch prune --dry-run
  $ order-dispatch prune --orders-days 60 --inbox-days 120 --batch 500`;

/** `prune`: deletes what has outlived its retention. */
export function addPruneCommand(program: Command): void {
  const prune = program
    .command('prune')
    .description('Delete what has outlived its retention, from both databases.');
  for (const table of TABLES) {
    prune.option(
      `${optionOf(table)} <days>`,
      `${WHAT[table]} (default: ${DEFAULT_RETENTION[table]})`,
    );
  }
  prune
    .option('--dry-run', 'count what would be deleted, and delete nothing')
    .option('--batch <rows>', 'how many rows a transaction deletes at most', '1000')
    .addOption(
      new Option('--from <source>', 'whose databases, where both are there').choices(
        DATABASE_SOURCES,
      ),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => pruneDatabases(command.optsWithGlobals()));
}

async function pruneDatabases(options: PruneOptions): Promise<void> {
  const retention = readRetention(options);
  const batchSize = readBatch(options.batch);
  const dryRun = options.dryRun ?? false;
  const interrupt = new AbortController();
  const onSignal = () => {
    say('stopping after the batch under way; again to stop at once');
    interrupt.abort();
  };
  await withDatabases(options.from, async (databases) => {
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
  const table = new Table({
    head: ['database', 'table', 'kept for', 'changed last before', dryRun ? 'would go' : 'deleted'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'left', 'right', 'left', 'right'],
  });
  for (const { database, table: name, days, before, rows } of tables) {
    table.push([database, name, `${days} d`, before, rows]);
  }
  return table.toString();
}

/** @throws {@link UsageError} that names the options as they are typed. */
function readRetention(options: PruneOptions): Retention {
  const given = TABLES.flatMap((table) => {
    const typed = options[`${table}Days`];
    return typed === undefined ? [] : [[table, /^\d+$/.test(typed) ? Number(typed) : NaN]];
  });
  try {
    return parseRetention(Object.fromEntries(given) as Partial<Retention>);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(message.replace(/retention\.(\w+)/g, (_, name: string) => optionOf(name)));
  }
}

function readBatch(typed: string): number {
  const rows = /^\d+$/.test(typed) ? Number(typed) : 0;
  if (rows >= 1 && rows <= MAXIMUM_BATCH) return rows;
  throw new UsageError(`--batch: must be a whole number from 1 to ${MAXIMUM_BATCH}`);
}

function optionOf(table: string): string {
  return `--${table.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-days`;
}

function ruleText({ table, than, days, because }: (typeof RETENTION_RULES)[number]): string {
  const more = days > 0 ? `${than ? ' + ' : ''}${days}` : '';
  return `${optionOf(table)} >= ${than ? optionOf(than) : ''}${more}: ${because}`;
}
