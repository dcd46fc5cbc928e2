import { join } from 'node:path';
import { exampleOrder } from '../cli/example-order';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { STACK_FILE } from '../runtime/stack-file';
import type { Death, LocalStack } from './local-stack';
import type { Narrator } from './narrator';
import { nextCommands } from './next-commands';
import { writeOrderFile } from './order-file';
import { PROCESSES, PROCESS_NAMES, type ProcessName } from './processes';
import { shownPath } from './stack-folder';

/** Prints where everything is, passwords hidden, and what one can try. Writes an order to try it with. */
export function printConnectionBlock(narrator: Narrator, stack: LocalStack): void {
  const { details } = stack;
  narrator.heading('The local stack runs. Where everything is:');
  narrator.fields({
    ...(details.desk && { desk: details.desk }),
    'Web UI': details.webUi || 'that of your Temporal',
    Temporal: `${details.temporalAddress}, namespace ${details.temporalNamespace}`,
    RabbitMQ: withoutPassword(details.amqpUrl),
    'order database': withoutPassword(details.ordersDatabaseUrl),
    'dispatch database': withoutPassword(details.dispatchDatabaseUrl),
    ...Object.fromEntries(
      PROCESS_NAMES.map((name) => [PROCESSES[name].title, whereIs(name, stack)]),
    ),
    "the servers' logs": `${shownPath(stack.scope.directory)}/*.log`,
    'with passwords': `${shownPath(join(stack.folder, '..', STACK_FILE))} (for programs; readable by you alone)`,
  });
  printWhatToTry(narrator, stack);
}

function whereIs(name: ProcessName, { processes }: LocalStack): string {
  const started = processes[name];
  if (started) return `process ${started.pid}, log ${started.logFile}`;
  return `left to you: yours, or \`npm run ${name}\` in another terminal`;
}

function printWhatToTry(narrator: Narrator, stack: LocalStack): void {
  const commands = nextCommands(stack);
  // A new one for each stack, so that it is not one that a given Temporal knows already.
  const order = exampleOrder(new Date());
  const { orderId } = order;
  const file = writeOrderFile(stack, 'order.json', order);
  narrator.heading('What to try next, in another terminal:');
  // What needs a process that is left to somebody else would only wait for it.
  const { worker, supplement, 'dispatch-system': dispatchSystem } = stack.processes;
  if (worker && dispatchSystem) {
    narrator.show(
      'place an order, and wait for its courier',
      commands.orderDispatch(`place --file ${file} --wait`),
    );
  } else {
    const missing = worker ? PROCESSES['dispatch-system'].title : PROCESSES.worker.title;
    narrator.show(
      `place an order, which waits for a ${missing}`,
      commands.orderDispatch(`place --file ${file}`),
    );
  }
  if (worker) narrator.show('where it stands', commands.orderDispatch(`show ${orderId}`));
  narrator.show('its page in the Web UI', commands.webPage(dispatchOrderWorkflowId(orderId)));
  narrator.show(
    'all that happened to it',
    commands.temporal(`workflow show --workflow-id ${dispatchOrderWorkflowId(orderId)}`),
  );
  narrator.show('the orders that wait for a person', commands.orderDispatch('tasks list'));
  narrator.show('the same in the Web UI', commands.webTasks());
  if (supplement) {
    narrator.show('what the supplement system put right', commands.orderDispatch('repairs list'));
  }
}

/** Says that a process has died, and why as far as its log knows. */
export function printDeath(narrator: Narrator, death: Death): void {
  const { name, pid, how, logFile, logTail } = death;
  narrator.alarm(`The ${PROCESSES[name].title} (process ${pid}) ended by itself: ${how}.`);
  narrator.show(`The end of ${logFile}:`, logTail);
  narrator.say(`It is not started again. To start another one: npm run ${name}`);
  narrator.line();
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
}
