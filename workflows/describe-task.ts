import { guidanceLines } from '../domain/guidance';
import type { Answer, OrderState } from '../domain/order-state';
import { PLACEHOLDERS } from '../domain/placeholders';
import { DEFAULT_POLICY, effectivePolicy, type Policy } from '../domain/policy';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import type { Decision } from '../domain/decisions';
import type { Facts } from '../domain/verdict';
import type { EscalationReason } from '../domain/status';
import { taskClauses } from '../domain/why';
import type { HumanTask } from './human-task';

/**
 * An order's human task in plain words, as Markdown: what happened, what one can do, and a JSON for
 * each decision that is ready to send.
 */
export function describeOrderTask(
  order: OrderState,
  task: HumanTask,
  {
    answer,
    unforeseen,
    policy,
  }: { answer: Answer | undefined; unforeseen: string | undefined; policy: Policy },
): string {
  const times = order.attempts === 1 ? 'once' : `${order.attempts} times`;
  // Histories have policies of before.
  const { taskDueMs, taskOverdueMs } = effectivePolicy(DEFAULT_POLICY, policy);
  const lines = [
    ...describeRefusals(task),
    `**Order ${order.orderId} waits for a person.** ${WHAT_HAPPENED[task.escalationReason](order)}`,
    '',
    `${waitingSentence(task, { taskDueMs, taskOverdueMs })} Handed to the publisher ${times}.`,
  ];
  if (answer?.outcome === 'rejected') {
    lines.push('', `The dispatch system's last answer: rejected (${answer.rejectionCode}).`);
  }
  if (task.escalationReason === 'requestFailed' && unforeseen) {
    lines.push('', `The last attempt failed: ${unforeseen}`);
  }
  return [
    ...lines,
    '',
    ...guidanceLines(task.escalationReason),
    ...describeDecisions(task, whatTheButtonDoes(order)),
  ].join('\n');
}

/** A finding's human task in plain words, as Markdown. */
export function describeFindingTask(
  orderId: string,
  task: HumanTask,
  finding: { rule: string; facts: Facts; failed: string | undefined },
): string {
  const { order, dispatch, workflow } = finding.facts;
  const { status = 'no such order', dispatchedBy, courierId } = order ?? {};
  const courier = courierId ? `, courier ${courierId} by ${dispatchedBy}` : '';
  return [
    ...describeRefusals(task),
    `**The databases disagree about order ${orderId}, and no rule may decide:** ${finding.rule}.`,
    '',
    `- order database: ${status}${courier}`,
    `- dispatch database: ${dispatch.status}${dispatch.status === 'live' ? `, courier ${dispatch.courierId}` : ''}`,
    `- workflow of the order: ${workflow}`,
    '',
    waitingSentence(task),
    ...(finding.failed ? ['', `**${finding.failed}.**`] : []),
    '',
    ...guidanceLines(task.escalationReason),
    ...describeDecisions(task, 'it changes nothing about the finding'),
  ].join('\n');
}

/** Since when it waits, in the words of `why`. */
function waitingSentence(
  { escalationReason, escalatedAt }: HumanTask,
  policy?: Pick<Policy, 'taskDueMs' | 'taskOverdueMs'>,
): string {
  const after = (ms: number) => new Date(Date.parse(escalatedAt) + ms).toISOString();
  const clauses = taskClauses({
    escalationReason,
    openedAt: escalatedAt,
    ...(policy && { dueAt: after(policy.taskDueMs), overdueAt: after(policy.taskOverdueMs) }),
  });
  return `${clauses.join('; ').replace(/^w/, 'W')}.`;
}

/** First of all: whoever has just sent something looks whether it did anything. */
function describeRefusals({ refusals }: HumanTask): string[] {
  if (refusals.length === 0) return [];
  return ['Signals that changed nothing:', '', ...refusals.map((refusal) => `- ${refusal}`), ''];
}

/** What becomes of the order by Temporal's own cancellation of its workflow. */
function whatTheButtonDoes({ status }: OrderState): string {
  return status === 'cancelling'
    ? 'it changes nothing: the order is being cancelled already'
    : 'it cancels the order: a withdrawal goes out, and where the courier can be called back, that is final';
}

function describeDecisions(task: HumanTask, whatTheButtonDoes: string): string[] {
  const lines = [
    '',
    'To decide: *More Actions*, *Send an Update* (it answers) or *Send a Signal*, choose `resolve`, and paste one of these. Fill in what is in capitals first: unchanged, it is refused.',
    '',
  ];
  for (const decision of task.decisions) {
    lines.push(WHAT_IT_DOES[decision], '', '```json', exampleOf(decision), '```', '');
  }
  lines.push(`The blue button *Request Cancellation* is no decision: ${whatTheButtonDoes}.`);
  return lines;
}

const WHAT_HAPPENED: Record<EscalationReason, (order: OrderState) => string> = {
  noAcknowledgement: (order) =>
    `The dispatch system did not answer request \`${currentRequest(order)}\` in all the attempts that its policy allows.`,
  brokerUnavailable: (order) =>
    `Request \`${currentRequest(order)}\` never got out: RabbitMQ confirmed none of its messages, or the service could not get as far as sending one.`,
  databaseUnavailable: (order) =>
    `Request \`${currentRequest(order)}\` never got out: the order database did not answer.`,
  requestFailed: (order) =>
    `Request \`${currentRequest(order)}\` could not be sent, for a cause that nobody foresaw: the worker's log says more.`,
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
  courierToCallOff: ({ decidedBy, courierId, courierSentBy }) =>
    `${decidedBy ?? 'Somebody'} cancels it, but ${courierSentBy ?? 'a person'} had sent courier ${courierId} by other means: nobody but you can call that courier off.`,
  discrepancy: () => 'The databases disagree about it.',
  unhealthy: () => 'a health check found what a person must act on',
};

const WHAT_IT_DOES: Record<Decision, string> = {
  retry: 'Try again, with all attempts and the whole time once more:',
  markDispatched: 'A courier was found by other means (who?); any other is withdrawn:',
  cancel: 'Cancel the order; a courier who is on the way already wins:',
  calledOff: 'The courier was called off: the order is cancelled:',
  tooLate: 'The courier cannot turn back: the order stays dispatched:',
  keep: 'Leave both as they are; the same finding is not raised again:',
  withdraw: 'Take the dispatch back:',
  restart: 'Start the workflow of the order again, from its row or from the copy:',
};

function currentRequest({ orderId, requestNumber }: OrderState): string {
  return requestIdOf(orderId, requestNumber);
}

function exampleOf(decision: Decision): string {
  const { courierId, ...act } = PLACEHOLDERS;
  const courier = decision === 'markDispatched' ? { courierId } : {};
  // Over several lines: the Web UI's frame cuts long ones, and its editor would reformat them.
  return JSON.stringify({ decision, ...courier, ...act }, undefined, 2);
}
