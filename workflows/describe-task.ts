import type { Answer, OrderState } from '../domain/order-state';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import type { Decision } from '../domain/resolution';
import type { EscalationReason } from '../domain/status';
import type { HumanTask } from './human-task';

/**
 * A human task in plain words, as Markdown: what happened, what one can do, and a JSON for each
 * decision that is ready to send.
 */
export function describeTask(
  order: OrderState,
  task: HumanTask,
  answer: Answer | undefined,
): string {
  const { orderId } = order;
  const lines = [
    `**Order ${orderId} waits for a person.** ${WHAT_HAPPENED[task.escalationReason](order)}`,
    '',
    `Waiting since ${order.escalatedAt ?? 'just now'}; handed to the publisher ${order.attempts} times.`,
  ];
  if (answer?.outcome === 'rejected') {
    lines.push('', `The dispatch system's last answer: rejected (${answer.rejectionCode}).`);
  }
  lines.push('', 'To decide, send the signal or the update `resolve` with one of these:', '');
  for (const decision of task.decisions) {
    lines.push(`- ${WHAT_IT_DOES[decision]}`, '', '```json', exampleOf(decision), '```', '');
  }
  lines.push('Put your name and your reason where it says `you` and `why`.');
  if (task.refusals.length > 0) {
    lines.push('', 'Signals that changed nothing:', '');
    lines.push(...task.refusals.map((refusal) => `- ${refusal}`));
  }
  return lines.join('\n');
}

const WHAT_HAPPENED: Record<EscalationReason, (order: OrderState) => string> = {
  noAcknowledgement: (order) =>
    `The dispatch system did not answer request \`${currentRequest(order)}\` in all the attempts that its policy allows.`,
  brokerUnavailable: (order) =>
    `Request \`${currentRequest(order)}\` never got out: RabbitMQ confirmed none of its messages.`,
  deadlinePassed: (order) =>
    `It had to be dispatched by ${order.dispatchBy}, and no courier was assigned by then.`,
  rejected: (order) =>
    `The dispatch system rejected request \`${currentRequest(order)}\` (${order.rejectionCode ?? 'no reason given'}).`,
  requestDeadLettered: (order) =>
    `The dispatch system could not read request \`${currentRequest(order)}\`: it is in the dead-letter queue.`,
  withdrawalFailed: (order) =>
    order.status === 'dispatched'
      ? `It was marked as dispatched, and the dispatch system did not answer \`${withdrawalIdOf(order.orderId)}\`, which makes sure that no second courier comes.`
      : `It is being cancelled, and the dispatch system did not answer \`${withdrawalIdOf(order.orderId)}\`. The courier may still come.`,
};

const WHAT_IT_DOES: Record<Decision, string> = {
  retry: 'Try again, with all attempts and the whole time once more:',
  markDispatched: 'A courier was found by other means (who?); any other is withdrawn:',
  cancel: 'Cancel the order; a courier who is on the way already wins:',
};

function currentRequest({ orderId, requestNumber }: OrderState): string {
  return requestIdOf(orderId, requestNumber);
}

function exampleOf(decision: Decision): string {
  const courier = decision === 'markDispatched' ? { courierId: 'courier' } : {};
  return JSON.stringify({ decision, ...courier, actor: 'you', note: 'why' });
}
