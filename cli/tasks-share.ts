import type { Command } from 'commander';
import { UsageError } from '../domain/errors';
import { CLAIM_LEASE_MS, type TaskAct } from '../domain/human-task';
import type { OperatorDatabases } from '../operations/open-databases';
import { chooseTarget, withDatabases } from './open-services';
import { parseTaskArgument, parseTyped, timeOption } from './options';
import { print, type OutputOptions } from './output';
import { formatTime } from './times';
import type { TargetOptions } from './target-options';

interface ShareOptions extends TargetOptions, OutputOptions {
  actor: string;
  note?: string;
}

const LEASE_MINUTES = CLAIM_LEASE_MS / 60_000;

const CLAIM_HELP = `
A claim lasts ${LEASE_MINUTES} minutes; claiming again renews it. It only tells others that
somebody looks at the task: whoever resolves it first still wins.

Examples:
  $ order-dispatch tasks claim o-1001 --actor mia
  $ order-dispatch tasks claim o-1001 --actor ben --take-over --note "mia is off"`;

/** `tasks claim`, `release`, `snooze` and `note`: how people share the open tasks. */
export function addTasksShareCommands(tasks: Command): void {
  command(tasks, 'claim', 'Say that you look at a task, so that nobody else does.', CLAIM_HELP)
    .option('--take-over', 'take it from whoever has claimed it; wants a --note')
    .option('--note <text>', 'why')
    .action((task: string, _, typed: Command) => claim(task, typed.optsWithGlobals()));
  command(
    tasks,
    'release',
    'Give your claim on a task back.',
    '\nExample:\n  $ order-dispatch tasks release o-1001 --actor mia',
  )
    .option('--note <text>', 'why')
    .action((task: string, _, typed: Command) => release(task, typed.optsWithGlobals()));
  command(
    tasks,
    'snooze',
    'Have nobody told that a task is due before then.',
    '\nExample:\n  $ order-dispatch tasks snooze o-1001 --until 30m --actor mia --note "the restaurant calls back"',
  )
    .addOption(timeOption('--until <time>', 'from now, or when', 1).makeOptionMandatory())
    .requiredOption('--note <text>', 'why')
    .action((task: string, _, typed: Command) => snooze(task, typed.optsWithGlobals()));
  command(
    tasks,
    'note',
    'Write down something about a task, for others to read.',
    '\nExample:\n  $ order-dispatch tasks note o-1001 --actor mia --note "no answer at the door"',
  )
    .requiredOption('--note <text>', 'what')
    .action((task: string, _, typed: Command) => note(task, typed.optsWithGlobals()));
}

function command(tasks: Command, name: string, description: string, help: string): Command {
  return tasks
    .command(name)
    .description(description)
    .argument('<ORDER|TASKID>', 'the order ID, or the task ID of `tasks list`', parseTaskArgument)
    .requiredOption('--actor <name>', 'who')
    .addHelpText('after', help);
}

async function claim(task: string, options: ShareOptions & { takeOver?: true }): Promise<void> {
  const { takeOver = false, note: why } = options;
  if (takeOver && why === undefined) throw new UsageError('--take-over wants a --note: why');
  const act = await actOf(options);
  await withOrders(options, async (orders) => {
    const operations = await import('../operations/human-tasks.js');
    const claimed = await operations.claim(orders, { task, act, takeOver });
    const until = claimed.claimedUntil ? ` until ${formatTime(claimed.claimedUntil)}` : '';
    print(options, claimed, `task ${claimed.taskId} is ${act.actor}'s${until}`);
  });
}

async function release(task: string, options: ShareOptions): Promise<void> {
  const act = await actOf(options);
  await withOrders(options, async (orders) => {
    const operations = await import('../operations/human-tasks.js');
    await operations.release(orders, { task, act });
    print(options, { task }, `task ${task} is free again`);
  });
}

async function snooze(task: string, options: ShareOptions & { until: Date }): Promise<void> {
  const act = await actOf(options);
  const { until } = options;
  await withOrders(options, async (orders) => {
    const operations = await import('../operations/human-tasks.js');
    await operations.snooze(orders, { task, act, until });
    print(options, { task, until }, `task ${task} is snoozed until ${formatTime(until)}`);
  });
}

async function note(task: string, options: ShareOptions): Promise<void> {
  const act = await actOf(options);
  await withOrders(options, async (orders) => {
    const operations = await import('../operations/human-tasks.js');
    await operations.note(orders, { task, act });
    print(options, { task }, `noted about task ${task}`);
  });
}

async function actOf({ actor, note: why }: ShareOptions): Promise<TaskAct> {
  const { parseAct, parseActor } = await import('../domain/act.js');
  if (why === undefined) return { actor: parseTyped(() => parseActor({ actor })), via: 'cli' };
  return { ...parseTyped(() => parseAct({ actor, note: why })), via: 'cli' };
}

async function withOrders(
  options: ShareOptions,
  work: (orders: OperatorDatabases['orders']) => Promise<void>,
): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  await withDatabases(services, ({ orders }) => work(orders));
}
