import type { HumanTaskEntry, Order } from '../client';
import type { Resolution } from '../domain/resolution';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { readHumanTasks } from '../operations/human-task-details';
import {
  StoryFailed,
  eventually,
  expectResult,
  newOrder,
  resultOf,
  showWhereToLook,
  tellingAttempts,
  type Outcome,
  type Scene,
} from './scene';
import { rowComesBack } from './row-comes-back';
import { quoted } from '../stack/next-commands';

/** One story: places an order, says what happens to it, and how it ended. */
export interface Story {
  title: string;
  newOrder: () => Order;
  /** @throws StoryFailed if it does not end as it should. */
  tell: (scene: Scene, order: Order) => Promise<Outcome>;
}

/** The demo, in its order. */
export const STORIES: readonly Story[] = [
  {
    title: 'An order that is accepted at once',
    newOrder: () => newOrder('at-once'),
    tell: acceptedAtOnce,
  },
  {
    title: 'An order that is answered only when it is asked again',
    newOrder: () => newOrder('asked-twice', 'silentOnce'),
    tell: answeredLater,
  },
  {
    title: 'An order that nobody answers',
    newOrder: () => newOrder('no-answer', 'silentForEver'),
    tell: nobodyAnswers,
  },
  {
    title: 'An order that vanishes from the order database, and comes back',
    newOrder: () => newOrder('row-deleted'),
    tell: rowComesBack,
  },
];

async function acceptedAtOnce(scene: Scene, order: Order): Promise<Outcome> {
  const { narrator, session } = scene;
  const { orderId } = order;
  narrator.say(
    `An order service places order ${orderId} with one call of the SDK: placeOrder(order).`,
  );
  const start = performance.now();
  await session.orders.placeOrder(order);
  const result = await resultOf(scene, orderId);
  const took = Math.round(performance.now() - start);
  expectResult(result, { status: 'dispatched', dispatchedBy: 'acknowledgement', resolvedBy: null });
  const workflow = session.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  const { historyLength } = await workflow.describe();
  narrator.say(
    `It is dispatched with ${result.courierId} after ${took} ms (the first order of all warms everything up), and Temporal's history of it has ${historyLength} events.`,
  );
  narrator.say(
    'Why that is safe: the order was in the order database before its request went out; RabbitMQ confirmed the request; the dispatch system committed its courier before it answered. Whatever had crashed in between, Temporal would have taken the order up again, and a repeated request changes nothing.',
  );
  showWhereToLook(scene, orderId);
  return { whatHappened: 'accepted at once', result };
}

async function answeredLater(scene: Scene, order: Order): Promise<Outcome> {
  const { narrator, session } = scene;
  const { orderId } = order;
  narrator.say(
    `The dispatch system takes the request of order ${orderId} and says nothing, as if it had crashed over it. How long to wait for an answer is the order's policy: this one is asked again after two seconds; the default is half a minute.`,
  );
  await session.orders.placeOrder(order, {
    policy: { quickWindowMs: 300, acknowledgementTimeoutMs: 1_500, initialIntervalMs: 700 },
  });
  const result = await tellingAttempts(scene, orderId, () => resultOf(scene, orderId));
  expectResult(result, { status: 'dispatched', dispatchedBy: 'acknowledgement', resolvedBy: null });
  if (result.attempts < 2) throw new StoryFailed(`order ${orderId} was answered at once`);
  narrator.say(`It is dispatched with ${result.courierId}, by attempt ${result.attempts}.`);
  narrator.say(
    "Why that is safe: both attempts carry the same request ID. Had the dispatch system decided the first time and only its answer been lost, it would have sent the same answer again, not a second courier. The waiting is Temporal's, not a process's: stop the worker meanwhile, and another one goes on.",
  );
  showWhereToLook(scene, orderId);
  return { whatHappened: 'accepted when asked again', result };
}

/** What the demo decides about the order that nobody answers. */
const RESOLUTION: Resolution = {
  decision: 'markDispatched',
  courierId: 'courier-by-phone',
  actor: 'demo',
  note: 'a courier was found by phone',
};

async function nobodyAnswers(scene: Scene, order: Order): Promise<Outcome> {
  const { narrator, session } = scene;
  const { orderId } = order;
  narrator.say(
    `The dispatch system never answers order ${orderId}. The order's policy allows three attempts, in about three seconds; the default is five, over about three minutes.`,
  );
  await session.orders.placeOrder(order, {
    policy: {
      // Three attempts, all of them Temporal's, however slow the machine.
      quickWindowMs: 0,
      acknowledgementTimeoutMs: 700,
      maximumAttempts: 3,
      initialIntervalMs: 400,
      backoffCoefficient: 1,
    },
  });
  const task = await tellingAttempts(scene, orderId, () =>
    eventually(`the human task of order ${orderId}`, () => findTask(scene, orderId)),
  );
  await explainTask(scene, task, orderId);

  narrator.say(
    `Nobody else is here, so the demo itself decides that ${RESOLUTION.courierId} delivers, and sends that signal.`,
  );
  const workflow = session.temporal.workflow.getHandle(task.taskId);
  await workflow.signal(SIGNALS.resolve, RESOLUTION);
  await eventually(`the end of the human task of order ${orderId}`, async () =>
    (await findTask(scene, orderId)) ? undefined : true,
  );
  const result = await resultOf(scene, orderId);
  expectResult(result, {
    status: 'dispatched',
    dispatchedBy: 'person',
    courierId: RESOLUTION.courierId as string,
    attempts: 3,
    resolvedBy: RESOLUTION.actor,
  });
  narrator.say(
    `It is dispatched with ${result.courierId}, resolved by ${result.resolvedBy}; the task is off the list.`,
  );
  narrator.say(
    'Why that is safe: the first valid decision wins and is recorded with who, when and why; a second one is refused. The request is then withdrawn, so that the dispatch system sends no second courier if it wakes up later.',
  );
  showWhereToLook(scene, orderId);
  return { whatHappened: 'no answer: a person decided', result };
}

/** The order's human task, if Temporal lists one. */
async function findTask({ session }: Scene, orderId: string): Promise<HumanTaskEntry | undefined> {
  for await (const task of session.orders.humanTasks()) {
    if (task.orderId === orderId) return task;
  }
  return undefined;
}

/** Shows a human task as a person meets it, and every way to resolve it. */
async function explainTask(scene: Scene, task: HumanTaskEntry, orderId: string): Promise<void> {
  const { narrator, session, commands } = scene;
  const { decision, courierId, actor, note } = RESOLUTION;
  narrator.say(
    `The attempts are used up (${task.escalationReason}). Nothing is lost: the order waits for a person, for as long as it takes, and is on the list of human tasks as ${task.taskId}.`,
  );
  const [{ details }] = await readHumanTasks(session, orderId);
  narrator.show(
    'What the person reads',
    ...details
      .trimEnd()
      .split('\n')
      .map((line) => `| ${line}`.trimEnd()),
  );
  const { runId } = await session.temporal.workflow.getHandle(task.taskId).describe();
  narrator.show(
    'To decide in the Web UI ("More Actions" there sends the signal, or the update of the same name)',
    commands.webPage(task.taskId, runId),
  );
  narrator.show(
    'or with our command line',
    commands.orderDispatch('tasks list'),
    commands.orderDispatch(`tasks show ${orderId}`),
    commands.orderDispatch(
      `tasks resolve ${orderId} --decision ${decision} --courier ${courierId} --actor ${actor} --note ${quoted(note)}`,
    ),
  );
  narrator.show("or with Temporal's command line", commands.resolveBySignal(orderId, RESOLUTION));
}
