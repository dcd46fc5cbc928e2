import { APP_IDS } from '../domain/amqp-names';
import { MalformedMessage } from '../domain/errors';
import { DISPATCH_REQUEST_TYPE, dispatchRequestSchema } from '../domain/messages/dispatch-request';
import { WITHDRAWAL_TYPE, withdrawalSchema } from '../domain/messages/withdrawal';
import { orderIdSchema } from '../domain/order';
import type { Finding, OrderCopy } from '../domain/reconciliation';
import { requestNumberOf } from '../domain/request-id';
import { parseBody, type IncomingMessage } from '../messaging/incoming-message';

/**
 * What a request or a withdrawal says of its order. The copy stays as it came: it is parsed only where the order has to
 * be placed again, so that a newer publisher's fields disturb nobody here.
 *
 * @throws {@link MalformedMessage} where the type is unknown, a field is missing, or the order ID is
 * none: it becomes part of a workflow's ID.
 */
export function parseRequest(message: IncomingMessage): Finding {
  switch (message.type) {
    case DISPATCH_REQUEST_TYPE: {
      const { requestId, orderId, contentHash, order, policy } = parseBody(message, requestSchema);
      const copy: OrderCopy = {
        order,
        contentHash,
        // A stranger may count otherwise; nothing is placed again from its copy without a person.
        requestNumber: requestNumberOf(requestId) ?? 1,
        isOurs: message.appId === APP_IDS.orderDispatch,
        ...(policy && { policy }),
      };
      return { ...findingOf(orderId, message.messageId || requestId), copy };
    }
    case WITHDRAWAL_TYPE: {
      const { requestId, orderId } = parseBody(message, withdrawalOfOrderSchema);
      return findingOf(orderId, message.messageId || requestId);
    }
    default:
      throw new MalformedMessage(`unknown message type '${message.type}'`);
  }
}

function findingOf(orderId: string, provenance: string): Finding {
  return { orderId, trigger: 'request', provenance };
}

const requestSchema = dispatchRequestSchema.extend({ orderId: orderIdSchema });
const withdrawalOfOrderSchema = withdrawalSchema.extend({ orderId: orderIdSchema });
