import { setTimeout as sleep } from 'node:timers/promises';
import { exampleOrder } from '../cli/example-order';
import type { OrderResult } from '../client';
import type { Order } from '../domain/order';
import { dispatchOrderWorkflowId } from '../domain/temporal-names';
import { explainOrder } from '../domain/why';
import type { OperatorSession } from '../operations/operator-session';
import { gatherWhyFacts } from '../operations/why';
import { silentLogger } from '../runtime/logger';
import type { ConnectionDetails } from '../stack/processes';
import type { DemoAnswer } from './decide';
import type { Narrator } from '../stack/narrator';
import type { NextCommands } from '../stack/next-commands';

/** What a story of the demo is told with. */
export interface Scene {
  narrator: Narrator;
  session: OperatorSession;
  commands: NextCommands;
  /** Where the databases are. */
  details: ConnectionDetails;
}

/** How a story ended: a row of the table. */
export interface Outcome {
  whatHappened: string;
  result: OrderResult;
}

/** A story did not end as it should. */
export class StoryFailed extends Error {
  override readonly name = 'StoryFailed';
}

/** How long anything in a story may take, in ms: far more than it does, on a slow machine, too. */
const PATIENCE_MS = 180_000;

/** An order that nobody has placed, and what it asks of the demo's dispatch system. */
export function newOrder(title: string, demo?: DemoAnswer): Order {
  const now = new Date();
  const orderId = `demo-${now.getTime().toString(36)}-${title}`;
  return { ...exampleOrder(now), orderId, details: demo ? { demo } : {} };
}

/**
 * Waits for an order's result, but not for ever.
 *
 * @throws {@link StoryFailed} as soon as the order waits for a person, too: nobody is there.
 */
export async function resultOf({ session }: Scene, orderId: string): Promise<OrderResult> {
  const handle = session.orders.getOrder(orderId);
  const over = new AbortController();
  const untilStuck = async (): Promise<never> => {
    const reason = await eventually(`the result of order ${orderId}`, async () => {
      over.signal.throwIfAborted();
      // Only a look: what fails here fails the result, too.
      const status = await handle.status().catch(() => undefined);
      return status?.humanTask?.escalationReason;
    });
    throw new StoryFailed(`order ${orderId} waits for a person (${reason})`);
  };
  try {
    return await Promise.race([handle.result(), untilStuck()]);
  } finally {
    over.abort();
  }
}

/** Waits until `probe` finds something. */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value | undefined>,
): Promise<Value> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new StoryFailed(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await sleep(100);
  }
}

/** @throws {@link StoryFailed} where the result is not what the story is about. */
export function expectResult(result: OrderResult, expected: Partial<OrderResult>): void {
  for (const [field, value] of Object.entries(expected)) {
    const found = result[field as keyof OrderResult];
    if (found === value) continue;
    throw new StoryFailed(`order ${result.orderId} has ${field} ${found} rather than ${value}`);
  }
}

/** Where an order stands, and why: for a story that did not end as it should. Never throws. */
export async function whereItStands(
  { session: temporal, details }: Scene,
  orderId: string,
): Promise<string> {
  const { ordersDatabaseUrl, amqpUrl } = details;
  try {
    const log = silentLogger();
    const facts = await gatherWhyFacts({ temporal, ordersDatabaseUrl, amqpUrl, log }, orderId);
    const { status, text } = explainOrder(facts);
    return `order ${orderId} is ${status ?? 'not known'}: ${text.replace(/\.$/, '')}`;
  } catch (error) {
    return `where order ${orderId} stands is not known: ${(error as Error).message}`;
  }
}

/** Does the work, and meanwhile tells each attempt of the order that waits for its acknowledgement. */
export async function tellingAttempts<Result>(
  scene: Scene,
  orderId: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const done = new AbortController();
  const telling = tellAttempts(scene, orderId, done.signal);
  try {
    return await work();
  } finally {
    done.abort();
    await telling;
  }
}

async function tellAttempts(scene: Scene, orderId: string, done: AbortSignal): Promise<void> {
  const { narrator, session } = scene;
  const workflow = session.temporal.workflow.getHandle(dispatchOrderWorkflowId(orderId));
  for (let told = 0; !done.aborted;) {
    // Only a look: what fails here fails the story elsewhere.
    const description = await workflow.describe().catch(() => undefined);
    const attempt = description?.raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === 'requestDispatch',
    )?.attempt;
    if (attempt && attempt > told && !done.aborted) {
      narrator.step(
        `attempt ${attempt}: ${attempt === 1 ? 'the request is out' : 'the same request goes out again'}`,
      );
      told = attempt;
    }
    await sleep(100, undefined, { signal: done }).catch(() => undefined);
  }
}

/**
 * Says where one can look at an order.
 *
 * @param also further workflows of the order's, and commands of ours
 */
export function showWhereToLook(
  { narrator, commands }: Scene,
  orderId: string,
  also: { workflowIds: readonly string[]; words: readonly string[] } = {
    workflowIds: [],
    words: [],
  },
): void {
  const workflowIds = [dispatchOrderWorkflowId(orderId), ...also.workflowIds];
  const words = [`show ${orderId}`, ...also.words];
  narrator.show(
    'Where to look',
    ...workflowIds.map((workflowId) => commands.webPage(workflowId)),
    ...words.map((command) => commands.orderDispatch(command)),
  );
}
