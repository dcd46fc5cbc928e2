import type { Command } from 'commander';
import { defined } from '../domain/defined';
import type { AuditEntry } from '../operations/audit';
import { chooseTarget, withDatabases } from './open-services';
import { orderOption, sinceOption, wholeNumberOption } from './options';
import { print, type OutputOptions } from './output';
import { formatTime } from './times';
import { entriesTable, withinCell } from './table';
import type { TargetOptions } from './target-options';

interface AuditOptions extends TargetOptions, OutputOptions {
  actor?: string;
  order?: string;
  since?: Date;
  limit: number;
}

const HELP = `
Every act of a person, whichever way it came, has one row; the database refuses
to change it.

Examples:
  $ order-dispatch audit --since 24h
  $ order-dispatch audit --order o-1001 --json | jq -r '.[].note'`;

/** `audit`: who did what, when and why. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('List what people did, when and why, the newest first.')
    .option('--actor <name>', 'of this person only')
    .addOption(orderOption('of this order only'))
    .addOption(sinceOption('since then'))
    .addOption(
      wholeNumberOption('--limit <rows>', 'how many at most', {
        minimum: 1,
        maximum: 10_000,
        default: 50,
      }),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
}

async function list(options: AuditOptions): Promise<void> {
  const { actor, order, since, limit } = options;
  const filter = defined({ actor, orderId: order, since });
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { readAudit } = await import('../operations/audit.js');
    const entries = await readAudit(orders, { filter, limit });
    print(options, entries, entries.length === 0 ? 'no act fits' : tableOf(entries));
  });
}

function tableOf(entries: readonly AuditEntry[]): string {
  return entriesTable(
    ['act', 'by', 'via', 'when'],
    entries.map(({ act, decision, actor, via, at, orderId, taskId, note }) => ({
      titles: [orderId === null ? (taskId ?? '') : `order ${orderId}`, note ?? ''].filter(Boolean),
      cells: [
        decision === null ? act : `${act}: ${decision}`,
        withinCell(actor, 20),
        via,
        formatTime(at),
      ],
    })),
  );
}
