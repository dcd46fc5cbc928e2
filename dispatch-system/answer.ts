import type { DispatchDatabase } from '../database/dispatch/connection';
import {
  findLiveDispatch,
  insertDispatch,
  withdrawDispatch,
} from '../database/dispatch/dispatches';
import { findStoredAnswers, storeAnswer } from '../database/dispatch/inbox';
import {
  inOrderTransaction,
  type DispatchTransaction,
} from '../database/dispatch/order-transaction';
import type { Acknowledgement } from '../domain/messages/acknowledgement';
import type { DispatchRequest } from '../domain/messages/dispatch-request';
import type { Withdrawal } from '../domain/messages/withdrawal';
import { withdrawalIdOf } from '../domain/request-id';
import type { Decide } from './decide';
import { defined } from '../domain/defined';

/** The answer to a message, committed; `undefined` for silence. */
export type CommittedAnswer = { answer: Acknowledgement; answerAfterMs: number } | undefined;

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
  const { requestId, orderId } = request;
  const withdrawalId = withdrawalIdOf(orderId);
  return inOrderTransaction(database, orderId, async (transaction) => {
    const stored = await findStoredAnswers(transaction, [requestId, withdrawalId]);
    const repeat = stored.get(requestId);
    if (repeat) return { answer: repeat, answerAfterMs: 0 };

    const answerWith = (
      answer: Partial<Acknowledgement> & Pick<Acknowledgement, 'outcome'>,
      ms = 0,
    ) => commit(transaction, { requestId, orderId, ...answer }, ms);
    const live = await findLiveDispatch(transaction, orderId);
    if (live) return answerWith({ outcome: 'accepted', courierId: live.courierId });
    if (stored.get(withdrawalId)?.outcome === 'withdrawn') {
      return answerWith({ outcome: 'rejected', rejectionCode: 'withdrawn' });
    }
    if (Date.parse(request.dispatchBy) <= Date.now()) {
      return answerWith({ outcome: 'rejected', rejectionCode: 'expired' });
    }
    const reply = await decide({ kind: 'request', request });
    switch (reply.kind) {
      case 'staySilent':
        return undefined;
      case 'reject': {
        const { rejectionCode, retryAfterMs, detail, answerAfterMs } = reply;
        return answerWith(
          {
            outcome: 'rejected',
            rejectionCode,
            ...defined({ retryAfterMs, detail }),
          },
          answerAfterMs,
        );
      }
      case 'accept': {
        const { courierId, answerAfterMs } = reply;
        await insertDispatch(transaction, {
          orderId,
          requestId,
          contentHash: request.contentHash,
          courierId,
        });
        return answerWith({ outcome: 'accepted', courierId }, answerAfterMs);
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
  const { requestId, orderId } = withdrawal;
  return inOrderTransaction(database, orderId, async (transaction) => {
    const repeat = (await findStoredAnswers(transaction, [requestId])).get(requestId);
    if (repeat) return { answer: repeat, answerAfterMs: 0 };

    const live = await findLiveDispatch(transaction, orderId);
    if (!live) return commit(transaction, { requestId, orderId, outcome: 'withdrawn' }, 0);
    const { courierId } = live;
    const reply = await decide({ kind: 'withdrawal', withdrawal, courierId });
    switch (reply.kind) {
      case 'staySilent':
        return undefined;
      case 'refuseWithdrawal':
        return commit(
          transaction,
          { requestId, orderId, outcome: 'withdrawalRefused', courierId },
          reply.answerAfterMs,
        );
      case 'withdraw':
        await withdrawDispatch(transaction, live);
        return commit(
          transaction,
          { requestId, orderId, outcome: 'withdrawn' },
          reply.answerAfterMs,
        );
      default:
        throw new Error(`'${reply.kind}' does not answer a withdrawal`);
    }
  });
}

async function commit(
  transaction: DispatchTransaction,
  decided: Omit<Acknowledgement, 'decidedAt'>,
  answerAfterMs = 0,
): Promise<CommittedAnswer> {
  const answer = { ...decided, decidedAt: new Date().toISOString() };
  await storeAnswer(transaction, answer);
  return { answer, answerAfterMs };
}
