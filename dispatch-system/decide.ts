import { createHash } from 'node:crypto';
import type { RejectionCode } from '../domain/messages/acknowledgement';
import type { DispatchRequest } from '../domain/messages/dispatch-request';
import type { Withdrawal } from '../domain/messages/withdrawal';

/** What there is to decide: a request that nothing answers yet, or the withdrawal of a live dispatch. */
export type Question =
  | { kind: 'request'; request: DispatchRequest }
  | { kind: 'withdrawal'; withdrawal: Withdrawal; courierId: string };

/** What the dispatch system makes of a question. `answerAfterMs` delays the answer, not the decision. */
export type Reply =
  | { kind: 'accept'; courierId: string; answerAfterMs?: number }
  | {
      kind: 'reject';
      rejectionCode: RejectionCode;
      /** A new request is welcome after so many ms; never without it. */
      retryAfterMs?: number;
      detail?: string;
      answerAfterMs?: number;
    }
  | { kind: 'withdraw'; answerAfterMs?: number }
  | { kind: 'refuseWithdrawal'; answerAfterMs?: number }
  /** Nothing is stored and nothing answered: a repeat is a new question. */
  | { kind: 'staySilent' };

/** How the dispatch system decides. What it throws is tried again, and dead-lettered in the end. */
export type Decide = (question: Question) => Reply | Promise<Reply>;

const COURIERS = 20;

/** The reference decision: there is always a courier, and every dispatch can be withdrawn. */
export const decide: Decide = (question) => {
  if (question.kind === 'withdrawal') return { kind: 'withdraw' };
  const digest = createHash('sha256').update(question.request.orderId).digest();
  return { kind: 'accept', courierId: `courier-${(digest.readUInt16BE() % COURIERS) + 1}` };
};
