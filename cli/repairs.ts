import { Option, type Command } from 'commander';
import type { RepairAction } from '../domain/reconciliation';
import type { Facts } from '../domain/verdict';
import type { RepairFilter, RepairRecord } from '../operations/repairs';
import { orderOption, rowIdParser, sinceOption, wholeNumberOption } from './options';
import { columns, fields, print, type OutputOptions } from './output';
import { formatMoment, formatTime } from './times';
import { chooseTarget, withDatabases } from './open-services';
import { entriesTable, withinCell } from './table';
import type { TargetOptions } from './target-options';

type CommonOptions = TargetOptions & OutputOptions;

interface ListOptions extends CommonOptions {
  order?: string;
  since?: Date;
  done?: RepairAction;
  limit: number;
}

/** What a repair did, for a person. */
const DONE: Readonly<Record<RepairAction, string>> = {
  nothing: 'nothing was to be done, or could be',
  restarted: "the order's workflow was started again",
  withdrawn: 'a courier who should not be on the way was called back',
  withdrawalRefused: 'that was tried, but the courier had gone too far',
  kept: 'a person decided to leave it as it is',
};

const MAXIMUM_ROWS = 10_000;

const LIST_HELP = `
What was done:
${Object.entries(DONE)
  .map(([done, meaning]) => `  ${done.padEnd(18)} ${meaning}`)
  .join('\n')}

Examples:
  $ order-dispatch repairs list --since 24h
  $ order-dispatch repairs list --order o-1001 --json | jq -r '.[].found'`;

const SHOW_HELP = `
Example:
  $ order-dispatch repairs show 17`;

/** `repairs`: what reconciliations found and did. */
export function addRepairsCommands(program: Command): void {
  const repairs = program
    .command('repairs')
    .description('The repairs: where the databases disagreed, and what was done about it.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch repairs list');
  repairs
    .command('list')
    .description('List the repairs, the newest first.')
    .addOption(orderOption('of this order only'))
    .addOption(sinceOption('recorded since then'))
    .addOption(new Option('--done <action>', 'what was done').choices(Object.keys(DONE)))
    .addOption(
      wholeNumberOption('--limit <rows>', 'how many at most', {
        minimum: 1,
        maximum: MAXIMUM_ROWS,
        default: 50,
      }),
    )
    .addHelpText('after', LIST_HELP)
    .action((_, command: Command) => list(command.optsWithGlobals()));
  repairs
    .command('show')
    .description('Show a repair: what was found and done, before and after, by whom and why.')
    .argument('<ID>', 'the ID of `repairs list`', rowIdParser('repairs list'))
    .addHelpText('after', SHOW_HELP)
    .action((id: string, _, command: Command) => show(id, command.optsWithGlobals()));
}

async function list(options: ListOptions): Promise<void> {
  const { order, since, done, limit } = options;
  const filter: RepairFilter = {
    ...(order !== undefined && { orderId: order }),
    ...(since && { since }),
    ...(done !== undefined && { done }),
  };
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async (databases) => {
    const { listRepairs } = await import('../operations/repairs.js');
    const repairs = await listRepairs(databases, { filter, limit });
    print(options, repairs, repairs.length === 0 ? 'no repair fits' : tableOf(repairs));
  });
}

/** How wide the column of who decided is at most. */
const ACTOR_WIDTH = 24;

function tableOf(repairs: readonly RepairRecord[]): string {
  const entries = repairs.map(({ id, orderId, found, done, actor = '', createdAt }) => ({
    titles: [`order ${orderId}`, found],
    cells: [id, done, withinCell(actor, ACTOR_WIDTH), formatTime(createdAt)],
  }));
  return entriesTable(['ID', 'done', 'by', 'when'], entries);
}

async function show(id: string, options: CommonOptions): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, async (databases) => {
    const { readRepair } = await import('../operations/repairs.js');
    const repair = await readRepair(databases, id);
    print(options, repair, repairText(repair));
  });
}

function repairText(repair: RepairRecord): string {
  const { id, orderId, found, done, before, after, provenance, actor, note, runId } = repair;
  const width = columns() - 'provenance  '.length;
  return fields({
    repair: id,
    order: orderId,
    found,
    done: `${done}: ${DONE[done]}`,
    before: factsText(before, width),
    after: factsText(after, width),
    provenance,
    'decided by': actor,
    note,
    run: runId,
    recorded: formatMoment(repair.createdAt),
  });
}

function factsText({ order, dispatch, workflow, trigger, copy }: Facts, width: number): string {
  const inOrders = order
    ? [order.status, order.dispatchedBy && `by ${order.dispatchedBy}`, courierText(order.courierId)]
    : ['missing'];
  const inDispatch =
    dispatch.status === 'live'
      ? ['live', courierText(dispatch.courierId), `request ${dispatch.requestId}`]
      : [dispatch.status];
  const facts = {
    'order database': sentence(inOrders),
    'dispatch database': sentence(inDispatch),
    workflow,
    'looked at because of': trigger,
    copy: copy && (copy.isOurs ? 'of a request of ours' : 'of a request of a stranger'),
    'contents differ':
      order && copy && order.contentHash !== copy.contentHash
        ? `${order.contentHash} in the row, ${copy.contentHash} in the copy`
        : undefined,
  };
  return fields(facts, width);
}

function courierText(courierId: string | undefined): string | undefined {
  return courierId === undefined ? undefined : `courier ${courierId}`;
}

function sentence(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(', ');
}
