import { Option, type Command } from 'commander';
import type { HumanTaskEntry } from '../client';
import { defined } from '../domain/defined';
import { UsageError } from '../domain/errors';
import { HUMAN_TASK_KINDS, type HumanTaskFilter, type HumanTaskKind } from '../domain/human-task';
import { ESCALATION_REASONS, type EscalationReason } from '../domain/status';
import type { HumanTaskList } from '../operations/human-tasks';
import { chooseTarget, withDatabases, withTemporal } from './open-services';
import { timeOption, wholeNumberOption } from './options';
import { formatAge, print, type OutputOptions } from './output';
import { entriesTable } from './table';
import type { TargetOptions } from './target-options';

interface ListOptions extends TargetOptions, OutputOptions {
  reason?: EscalationReason;
  kind?: HumanTaskKind;
  restaurant?: string;
  claimedBy?: string;
  olderThan?: Date;
  limit: number;
}

const HELP = `
Grouped by escalation reason; in each group what is due first comes first, and
what somebody snoozed last. Reads the order database; where it is not known
where that is, Temporal, without claims and without --reason and the like.

Examples:
  $ order-dispatch tasks list --reason brokerUnavailable --older-than 30m
  $ order-dispatch tasks list --claimed-by mia
  $ order-dispatch tasks list --json | jq -r '.[].orderId'`;

/** `tasks list`. */
export function addTasksListCommand(tasks: Command): void {
  tasks
    .command('list')
    .description('List the open human tasks, by escalation reason, the most urgent first.')
    .addOption(
      new Option('--reason <reason>', 'of this escalation reason').choices(ESCALATION_REASONS),
    )
    .addOption(new Option('--kind <kind>', 'of this kind').choices(HUMAN_TASK_KINDS))
    .option('--restaurant <id>', 'of this restaurant')
    .option('--claimed-by <name>', 'claimed by this person')
    .addOption(timeOption('--older-than <time>', 'open since then or longer', -1))
    .addOption(
      wholeNumberOption('--limit <rows>', 'how many at most', {
        minimum: 1,
        maximum: 100_000,
        default: 100,
      }),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { services } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl'],
  });
  const { ordersDatabaseUrl } = services;
  const { reason, kind, restaurant, claimedBy, olderThan, limit } = options;
  const filter: HumanTaskFilter = defined({
    escalationReason: reason,
    kind,
    restaurantId: restaurant,
    claimedBy,
    openedBefore: olderThan,
  });
  if (ordersDatabaseUrl !== undefined) {
    await withDatabases({ ordersDatabaseUrl }, async ({ orders }) => {
      const { listTasks } = await import('../operations/human-tasks.js');
      const listed = await listTasks(orders, { filter, limit });
      print(options, listed.rows.map(asEntry), () => listText(listed));
    });
    return;
  }
  if (Object.keys(filter).length > 0) {
    throw new UsageError(
      'only the order database can narrow the list down: give its ORDERS_DATABASE_URL',
    );
  }
  await withTemporal(services, async ({ orders }) => {
    const tasks: HumanTaskEntry[] = [];
    for await (const task of orders.humanTasks()) tasks.push(task);
    tasks.sort((left, right) => left.escalatedAt.getTime() - right.escalatedAt.getTime());
    print(options, tasks, tasks.length === 0 ? 'no human task is open' : tableOf(tasks));
  });
}

/** As the SDK lists it, with more. */
function asEntry({ openedAt, ...task }: HumanTaskList['rows'][number]) {
  return { ...task, escalatedAt: openedAt };
}

function listText({ matched, groups, rows }: HumanTaskList): string {
  if (matched === 0) return 'no human task is open';
  const now = Date.now();
  const counts = groups.map(
    ({ escalationReason, count, oldestOpenedAt }) =>
      `${count} ${escalationReason}, the oldest for ${formatAge(now - oldestOpenedAt.getTime())}`,
  );
  const more = rows.length < matched ? [`${rows.length} of ${matched} are shown: --limit`] : [];
  return [...counts, '', tableOf(rows.map(asEntry)), ...more].join('\n');
}

type Entry = Omit<HumanTaskEntry, 'orderId'> &
  Partial<Omit<HumanTaskList['rows'][number], 'orderId'>> & { orderId?: string | null };

function tableOf(tasks: readonly Entry[]): string {
  const now = Date.now();
  const entries = tasks.map((task) => {
    const { taskId, orderId, escalationReason, escalatedAt, claimedBy } = task;
    const age = formatAge(now - escalatedAt.getTime());
    const [kind = '', ofOrder] = taskId.split('/');
    return {
      titles: [
        orderId != null && orderId === ofOrder ? `order ${orderId}` : taskId,
        ...(claimedBy == null ? [] : [`${claimedBy} has it`]),
      ],
      // No more than fits a line, whatever the reason and the time are.
      cells: [kind, escalationReason, age, urgency(task, now)],
    };
  });
  const head = ['task', 'escalation reason', 'waits for', ''];
  const table = entriesTable(head, entries);
  const example = tasks.find(({ orderId }) => orderId != null)?.taskId;
  return example === undefined
    ? table
    : `${table}\na task ID is its task, a slash and its order: ${example}`;
}

/** How much time is left. */
function urgency({ dueAt, overdueAt, snoozedUntil }: Partial<Entry>, now: number): string {
  if (snoozedUntil && snoozedUntil.getTime() > now) return 'snoozed';
  if (overdueAt && overdueAt.getTime() < now) return 'overdue';
  if (dueAt && dueAt.getTime() < now) return 'due';
  return dueAt ? `due in ${formatAge(dueAt.getTime() - now)}` : '';
}
