import type { Decision } from '../domain/decisions';
import type { OrderStatusView } from '../domain/workflow-contract';
import { colours, fields, formatAge } from './output';
import type { NextCommand } from './open-services';
import { BY_SOMEBODY, COURIER } from './templates';

const COLOURS: Record<OrderStatusView['status'], (text: string) => string> = {
  placed: colours.cyan,
  escalated: colours.yellow,
  cancelling: colours.yellow,
  dispatched: colours.green,
  cancelled: colours.red,
};

/** Where an order stands, for a person; an open human task with the exact next commands. */
export function statusText(options: { view: OrderStatusView; nextCommand: NextCommand }): string {
  const { view, nextCommand } = options;
  const { orderId, humanTask } = view;
  return fields({
    order: orderId,
    status: COLOURS[view.status](view.status),
    courier: view.courierId,
    'dispatched by': view.dispatchedBy,
    'rejection code': view.rejectionCode,
    attempts: String(view.attempts),
    'resolved by': view.resolvedBy ?? (humanTask && 'nobody yet'),
    ...(humanTask && {
      'human task': `${humanTask.escalationReason}${sinceText(humanTask.escalatedAt)}`,
      'it takes': humanTask.decisions.join(', '),
      'read it': nextCommand(`tasks show ${orderId}`),
      'resolve it': resolveCommands({ orderId, decisions: humanTask.decisions, nextCommand }).join(
        '\n',
      ),
    }),
  });
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
  return `, since ${escalatedAt} (${formatAge(Date.now() - Date.parse(escalatedAt))})`;
}
