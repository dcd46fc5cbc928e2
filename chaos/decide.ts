import { decide as referenceDecide, type Decide } from '../dispatch-system/decide';
import { requestNumberOf } from '../domain/request-id';
import { behaviourOf } from './behaviour';
import { draw } from './draw';

/** Requests that were met with silence by this process. */
const ignored = new Set<string>();

/** How long a late answer takes, in ms: some are quicker than the next attempt. */
const LATE_MS = 4_000;

/** The dispatch system of the fault suite: does what an order's ID says. */
export const decide: Decide = async (question) => {
  if (question.kind === 'withdrawal') {
    return behaviourOf(question.withdrawal.orderId) === 'refuseWithdrawal'
      ? { kind: 'refuseWithdrawal' }
      : referenceDecide(question);
  }
  const { requestId, orderId } = question.request;
  switch (behaviourOf(orderId)) {
    case 'reject':
      return { kind: 'reject', rejectionCode: 'outOfZone' };
    case 'retryLater':
      return requestNumberOf(requestId) === 1
        ? { kind: 'reject', rejectionCode: 'noCourierAvailable', retryAfterMs: 500 }
        : referenceDecide(question);
    case 'silent':
      return { kind: 'staySilent' };
    case 'silentOnce':
      if (ignored.has(requestId)) return referenceDecide(question);
      ignored.add(requestId);
      return { kind: 'staySilent' };
    case 'late': {
      const reply = await referenceDecide(question);
      const answerAfterMs = draw(0, requestId) * LATE_MS;
      return reply.kind === 'accept' ? { ...reply, answerAfterMs } : reply;
    }
    default:
      return referenceDecide(question);
  }
};
