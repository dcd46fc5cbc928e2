import { Option, type Command } from 'commander';
import { DECISIONS } from '../domain/decisions';
import { UsageError } from '../domain/errors';
import type { OrderState } from '../domain/order-state';
import { requestIdOf } from '../domain/request-id';
import type { HumanTaskDetails } from '../operations/human-task-details';
import type { OperatorSession } from '../operations/operator-session';
import { parseTaskArgument, parseTyped } from './options';
import { print, type OutputOptions } from './output';
import { chooseTarget, withTemporal, type NextCommand } from './open-services';
import { recordsText } from './order-text';
import { resolveCommands } from './status-text';
import type { TargetOptions } from './target-options';
import { refuseBulkOptions, resolveMany, withBulkOptions, type BulkOptions } from './tasks-bulk';
import { addTasksListCommand } from './tasks-list';
import { addTasksShareCommands } from './tasks-share';
import { waitFor, withWaiting, type MayWaitOptions } from './waiting';

type CommonOptions = TargetOptions & OutputOptions;

interface ResolveOptions extends CommonOptions, MayWaitOptions, BulkOptions {
  decision: string;
  courier?: string;
  actor: string;
  note: string;
}

const SHOW_HELP = `
Shows the order, too, and both databases' rows where it is known where they are.

Example:
  $ order-dispatch tasks show o-1001
  $ order-dispatch tasks show dispatch-order/o-1001`;

const RESOLVE_HELP = `
Decisions:
  retry           try again, with all attempts and the whole time once more
  markDispatched  a courier was found by other means; --courier says who, any
                  other is withdrawn
  cancel          cancel the order; a courier who is on the way already wins
About the courier a person sent for an order being cancelled (courierToCallOff):
  calledOff       the courier turned back: the order is cancelled
  tooLate         the courier cannot turn back: the order stays dispatched
And about a finding (reason discrepancy: the databases disagree):
  keep            leave both as they are; the same finding is not raised again
  withdraw        take the dispatch back
  restart         start the order's workflow again, from its row or from the
                  request's copy
The first valid resolution wins; a later one is refused and changes nothing.

With --where, the decision is about all tasks that are open now and fit (all
conditions, each --where one): it says how many, asks, and begins a bulk run
that goes on by itself. The first three must succeed, or no other is touched.
Exits with 1 where one failed. Look at it, or end it, with \`bulk\`.

Examples:
  $ order-dispatch tasks resolve --where reason=brokerUnavailable --older-than 10m --decision retry --rate 20/s --actor mia --note "the broker is back"
  $ order-dispatch tasks resolve o-1001 --decision retry --actor mia --note "couriers are back"
  $ order-dispatch tasks resolve o-1001 --decision markDispatched --courier bike-7 --actor mia --note "by phone"`;

/** `tasks`: the human tasks that are open, and their resolution. */
export function addTasksCommands(program: Command): void {
  const tasks = program
    .command('tasks')
    .description('The human tasks: orders that wait for a person to decide.')
    .addHelpText('after', '\nExample:\n  $ order-dispatch tasks list');
  addTasksListCommand(tasks);
  tasks
    .command('show')
    .description('Show an open human task: what happened, and the commands that resolve it.')
    .argument('<ORDER|TASKID>', 'the order ID, or the task ID of `tasks list`', parseTaskArgument)
    .addHelpText('after', SHOW_HELP)
    .action((id: string, _, command: Command) => show(id, command.optsWithGlobals()));
  withBulkOptions(withWaiting(tasks.command('resolve')))
    .description('Resolve a human task with a decision, and wait until it is carried out.')
    .argument('[ORDER|TASKID]', 'the order ID, or the task ID of `tasks list`', parseTaskArgument)
    .addOption(
      new Option('--decision <decision>', 'what to do').choices(DECISIONS).makeOptionMandatory(),
    )
    .option('--courier <id>', 'the courier who delivers; markDispatched needs it')
    .requiredOption('--actor <name>', 'who decides')
    .requiredOption('--note <text>', 'why')
    .addHelpText('after', RESOLVE_HELP)
    .action((id: string | undefined, _, command: Command) =>
      resolveOneOrMany(id, command.optsWithGlobals()),
    );
  addTasksShareCommands(tasks);
}

async function show(orderOrTaskId: string, options: CommonOptions): Promise<void> {
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal'],
    mayRead: ['ordersDatabaseUrl', 'dispatchDatabaseUrl'],
  });
  await withTemporal(services, async (session) => {
    const { readHumanTasks } = await import('../operations/human-task-details.js');
    const { readOrderRecords } = await import('../operations/order-overview.js');
    const tasks = await readHumanTasks(session, orderOrTaskId);
    const records = await readOrderRecords(session, services, tasks[0].orderId);
    const shown = tasks.map((task) => {
      const { taskId, humanTask } = task;
      const { decisions } = humanTask;
      return {
        ...task,
        ...records,
        commands: resolveCommands({ orderId: taskId, decisions, nextCommand }),
      };
    });
    const text = shown.map(({ commands, details, taskId }) =>
      [
        `human task ${taskId}; resolve it by one of these:`,
        ...commands.map((command) => `  ${command}`),
        '',
        plain(details),
      ].join('\n'),
    );
    print(options, shown, [...text, recordsText(records)].join('\n\n').trimEnd());
  });
}

/** What happened, of the Markdown that the Web UI shows: the commands stand for what one can do. */
function plain(details: string): string {
  const [happened = ''] = details.split('\nTo decide:');
  return happened.replace(/\*\*|`/g, '').trim();
}

async function resolveOneOrMany(id: string | undefined, options: ResolveOptions): Promise<void> {
  if ((id === undefined) === (options.where === undefined)) {
    throw new UsageError('which task? give ORDER|TASKID or, for many, --where reason=...');
  }
  if (id === undefined) {
    await resolveMany(options);
    return;
  }
  refuseBulkOptions(options);
  await resolve(id, options);
}

async function resolve(orderOrTaskId: string, options: ResolveOptions): Promise<void> {
  const { parseResolution } = await import('../domain/resolution.js');
  const { decision, courier, actor, note } = options;
  const typed = parseTyped(() =>
    parseResolution({
      decision,
      actor,
      note,
      via: 'cli',
      ...(courier !== undefined && { courierId: courier }),
    }),
  );
  const { services, nextCommand } = await chooseTarget(options, { needs: ['temporal'] });
  await withTemporal(services, async (session) => {
    const { orderId, taskId, humanTask } = await findTask(session, orderOrTaskId, decision);
    const resolution = { ...typed, openedAt: humanTask.escalatedAt };
    if (!options.wait) {
      const { startResolution } = await import('../operations/without-waiting.js');
      await startResolution(session, taskId, resolution);
      const where = nextCommand(`show ${orderId}`);
      print(
        options,
        { taskId, orderId, decision, resolvedBy: actor },
        `${decision} is taken down for order ${orderId}; where it stands: ${where}`,
      );
      return;
    }
    const waiting = {
      session,
      orderId,
      until: `until ${decision} is carried out for order ${orderId}`,
      options,
      nextCommand,
      resolves: taskId,
    };
    if (humanTask.escalationReason === 'discrepancy') {
      await waitFor(() => session.orders.resolveTask(taskId, resolution), waiting);
      const done = { taskId, orderId, decision, resolvedBy: actor };
      print(options, done, `the finding about order ${orderId} is resolved: ${decision}`);
      return;
    }
    const order = await waitFor(
      () => session.orders.getOrder(orderId).resolve(resolution),
      waiting,
    );
    print(options, order, outcomeText(order, nextCommand));
  });
}

/** The open task that is meant: of an order with several, the one that takes the decision. */
async function findTask(
  session: OperatorSession,
  orderOrTaskId: string,
  decision: string,
): Promise<HumanTaskDetails> {
  const { readHumanTasks } = await import('../operations/human-task-details.js');
  const tasks = await readHumanTasks(session, orderOrTaskId);
  const takes = ({ humanTask }: HumanTaskDetails) =>
    humanTask.decisions.some((each) => each === decision);
  return tasks.find(takes) ?? tasks[0];
}

/** What a resolution made of the order. */
function outcomeText(order: OrderState, nextCommand: NextCommand): string {
  const { orderId, status } = order;
  const next = `; where it stands: ${nextCommand(`show ${orderId}`)}`;
  switch (status) {
    case 'placed':
      return `order ${orderId} is placed again, with request ${requestIdOf(orderId, order.requestNumber)}${next}`;
    case 'dispatched':
      return `order ${orderId} is dispatched with courier ${order.courierId}`;
    case 'cancelling':
      return `order ${orderId} is being cancelled${next}`;
    default:
      return `order ${orderId} is ${status}`;
  }
}
