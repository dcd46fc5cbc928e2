import type { Decision } from '../domain/decisions';
import type { OrderStatusView } from '../domain/workflow-contract';
import type { OpenTask } from '../operations/open-tasks';
import { colours, fields, formatAge } from './output';
import type { NextCommand } from './open-services';
import { formatMoment } from './times';
import { BY_SOMEBODY, COURIER } from './templates';

const COLOURS: Record<OrderStatusView['status'], (text: string) => string> = {
  placed: colours.cyan,
  escalated: colours.yellow,
  cancelling: colours.yellow,
  dispatched: colours.green,
  cancelled: colours.red,
};

/** Where an order stands, for a person. */
export function statusText({ view }: { view: OrderStatusView }): string {
  return fields({
    order: view.orderId,
    status: `${COLOURS[view.status](view.status)}${view.isHeld ? ', held until `release`' : ''}`,
    courier: view.courierId,
    'dispatched by': view.dispatchedBy,
    'rejection code': view.rejectionCode,
    attempts: String(view.attempts),
    'resolved by': view.resolvedBy ?? (view.humanTask && 'nobody yet'),
  });
}

/** An open human task, with the exact next commands. */
export function taskFields({ taskId, humanTask }: OpenTask, nextCommand: NextCommand): string {
  const { escalationReason, escalatedAt, decisions } = humanTask;
  return [
    fields({
      'human task': `${escalationReason}${sinceText(escalatedAt)}`,
      'task ID': taskId,
      'it takes': decisions.join(', '),
    }),
    'what happened:',
    `  ${nextCommand(`tasks show ${taskId}`)}`,
    'resolve it by one of these:',
    ...resolveCommands({ orderId: taskId, decisions, nextCommand }).map((line) => `  ${line}`),
  ].join('\n');
}

/** One ready command for each decision that a human task takes. */
export function resolveCommands(options: {
  orderId: string;
  decisions: readonly Decision[];
  nextCommand: NextCommand;
}): string[] {
  const { orderId, decisions, nextCommand } = options;
  return decisions.map((decision) => {
    const courier = decision === 'markDispatched' ? ` ${COURIER}` : '';
    return nextCommand(`tasks resolve ${orderId} --decision ${decision}${courier} ${BY_SOMEBODY}`);
  });
}

function sinceText(escalatedAt: string | undefined): string {
  if (escalatedAt === undefined) return '';
  return `, since ${formatMoment(escalatedAt)} (${formatAge(Date.now() - Date.parse(escalatedAt))})`;
}
