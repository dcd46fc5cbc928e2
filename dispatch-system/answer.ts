import type { DispatchDatabase } from '../database/dispatch/connection';
import { inOrderTransaction, type Change } from '../database/dispatch/order-transaction';
import { defined } from '../domain/defined';
import type { Acknowledgement } from '../domain/messages/acknowledgement';
import type { DispatchRequest } from '../domain/messages/dispatch-request';
import type { Withdrawal } from '../domain/messages/withdrawal';
import { hasDeliberateBug } from '../runtime/deliberate-bug';
import type { Decide } from './decide';

/** The answer to a message, committed; `undefined` for silence. */
export type CommittedAnswer = { answer: Acknowledgement; answerAfterMs?: number } | undefined;

type DelayedChange = Change & { answerAfterMs?: number };

/**
 * Answers a request, in one transaction. In this order: the stored answer to a repeat, the live
 * dispatch that the order has already, `withdrawn` where its withdrawal overtook it, `expired` past its
 * deadline, and only then the decision.
 */
export function answerRequest(
  database: DispatchDatabase,
  decide: Decide,
  request: DispatchRequest,
): Promise<CommittedAnswer> {
  return inOrderTransaction<DelayedChange>(database, message(request), async (known) => {
    const { repeat, withdrawal, live } = known;
    if (repeat) return { answer: repeat };
    if (live) return answerTo(request, { outcome: 'accepted', ...live });
    if (withdrawal?.outcome === 'withdrawn') {
      return answerTo(request, { outcome: 'rejected', rejectionCode: 'withdrawn' });
    }
    if (Date.parse(request.dispatchBy) <= Date.now()) {
      return answerTo(request, { outcome: 'rejected', rejectionCode: 'expired' });
    }
    const reply = await decide({ kind: 'request', request });
    switch (reply.kind) {
      case 'staySilent':
        return undefined;
      case 'reject': {
        const { rejectionCode, retryAfterMs, detail, answerAfterMs } = reply;
        const why = defined({ retryAfterMs, detail });
        return {
          ...answerTo(request, { outcome: 'rejected', rejectionCode, ...why }),
          ...defined({ answerAfterMs }),
        };
      }
      case 'accept': {
        const { courierId, answerAfterMs } = reply;
        return {
          ...answerTo(request, { outcome: 'accepted', courierId }),
          dispatch: { contentHash: request.contentHash, courierId },
          ...defined({ answerAfterMs }),
        };
      }
      default:
        throw new Error(`'${reply.kind}' does not answer a request`);
    }
  });
}

/**
 * Answers a withdrawal, in one transaction. Where there is no live dispatch it is `withdrawn`, and its
 * inbox row is the tombstone that a request which comes later is rejected by.
 */
export function answerWithdrawal(
  database: DispatchDatabase,
  decide: Decide,
  withdrawal: Withdrawal,
): Promise<CommittedAnswer> {
  return inOrderTransaction<DelayedChange>(
    database,
    message(withdrawal),
    async ({ repeat, live }) => {
      if (repeat) return { answer: repeat };
      if (!live) return answerTo(withdrawal, { outcome: 'withdrawn' });
      const reply = await decide({ kind: 'withdrawal', withdrawal, ...live });
      switch (reply.kind) {
        case 'staySilent':
          return undefined;
        case 'refuseWithdrawal':
          return {
            ...answerTo(withdrawal, { outcome: 'withdrawalRefused', ...live }),
            ...defined({ answerAfterMs: reply.answerAfterMs }),
          };
        case 'withdraw':
          return {
            ...answerTo(withdrawal, { outcome: 'withdrawn' }),
            withdraw: true,
            ...defined({ answerAfterMs: reply.answerAfterMs }),
          };
        default:
          throw new Error(`'${reply.kind}' does not answer a withdrawal`);
      }
    },
  );
}

function message({ orderId, requestId }: { orderId: string; requestId: string }) {
  return { orderId, requestId, forgetsAnswer: hasDeliberateBug('noInbox') };
}

function answerTo(
  { requestId, orderId }: { requestId: string; orderId: string },
  answer: Omit<Acknowledgement, 'requestId' | 'orderId' | 'decidedAt'>,
): { answer: Acknowledgement } {
  return { answer: { requestId, orderId, ...answer, decidedAt: new Date().toISOString() } };
}
