import { Option, type Command } from 'commander';
import { defined } from '../domain/defined';
import type { OrderListRow } from '../domain/order-list';
import { ORDER_STATUSES, type OrderStatus } from '../domain/status';
import type { OrderPage } from '../operations/list-orders';
import { chooseTarget, withDatabases, type NextCommand } from './open-services';
import { timeOption, wholeNumberOption } from './options';
import { formatAge, print, type OutputOptions } from './output';
import { entriesTable } from './table';
import type { TargetOptions } from './target-options';
import { formatTime } from './times';
import { quoted } from './typed-command';

interface ListOptions extends TargetOptions, OutputOptions {
  status?: OrderStatus;
  olderThan?: Date;
  restaurant?: string;
  after?: string;
  limit: number;
}

/** Those that somebody or something still has to do with. */
const UNFINISHED: readonly OrderStatus[] = ['placed', 'escalated', 'cancelling'];

/** Who has just seen an order dispatched would else wonder where it is. */
const NONE_UNFINISHED =
  'no order fits that is not final yet; the others: --status dispatched, --status cancelled';

const HELP = `
Without --status: what is not final. The oldest comes first. A page that is not
the last says how the list goes on; what changes meanwhile is on no two pages.
With --json a page is {"orders": [...], "next": ...}; next is for --after, null
after the last page.

Examples:
  $ order-dispatch list --status placed --older-than 5m --restaurant r-3
  $ order-dispatch list --limit 1000 --json | jq -r '.orders[].orderId'`;

/** `list`: orders, page by page. */
export function addListCommand(program: Command): void {
  program
    .command('list')
    .description('List orders by status, age and restaurant, the oldest first.')
    .addOption(new Option('--status <status>', 'of this status').choices(ORDER_STATUSES))
    .addOption(timeOption('--older-than <time>', 'placed before then', -1))
    .option('--restaurant <id>', 'of this restaurant')
    .option('--after <place>', 'what the page before said the list goes on with')
    .addOption(
      wholeNumberOption('--limit <rows>', 'how many on a page', {
        minimum: 1,
        maximum: 10_000,
        default: 100,
      }),
    )
    .addHelpText('after', HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { status, olderThan, restaurant, after, limit } = options;
  if (after !== undefined) (await import('../domain/order-list.js')).parseCursor(after);
  const { services, nextCommand } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async ({ orders }) => {
    const { listOrders } = await import('../operations/list-orders.js');
    const page = await listOrders(orders, {
      filter: {
        statuses: status ? [status] : UNFINISHED,
        ...defined({ placedBefore: olderThan, restaurantId: restaurant }),
      },
      ...defined({ after }),
      limit,
    });
    print(options, page, pageText(page, options, nextCommand));
  });
}

function pageText({ orders, next }: OrderPage, options: ListOptions, command: NextCommand): string {
  if (orders.length === 0) return options.status ? 'no order fits' : NONE_UNFINISHED;
  if (next === null) return tableOf(orders);
  const { status, olderThan, restaurant, limit } = options;
  const typed = Object.entries({
    status,
    // The same moment, however much later the next page is asked for.
    'older-than': olderThan?.toISOString(),
    restaurant,
    limit: String(limit),
    after: next,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${quoted(value)}`]));
  return `${tableOf(orders)}\nthere are more:\n  ${command(`list ${typed.join(' ')}`)}`;
}

function tableOf(orders: readonly OrderListRow[]): string {
  const now = Date.now();
  return entriesTable(
    ['status', 'restaurant', 'placed', 'age', ''],
    orders.map(({ orderId, restaurantId, placedAt, ...order }) => ({
      titles: [`order ${orderId}`],
      cells: [
        order.status,
        restaurantId ?? '',
        formatTime(placedAt),
        formatAge(now - placedAt.getTime()),
        order.escalationReason ?? order.courierId ?? '',
      ],
    })),
  );
}
