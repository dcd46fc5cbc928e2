import type { RejectionCode } from '../domain/messages/acknowledgement';

/** What a dispatch system makes of a request. `answerAfterMs` delays the answer, not the decision. */
export type RequestReply =
  | { outcome: 'accepted'; courierId: string; answerAfterMs?: number }
  | {
      outcome: 'rejected';
      rejectionCode: RejectionCode;
      /** A new request is welcome after so many ms; never without it. */
      retryAfterMs?: number;
      answerAfterMs?: number;
    }
  /** No answer: the order is asked about again, and in the end waits for a person. */
  | { outcome: 'silence' };

/** How the dispatch system treats one order. */
export interface OrderScript {
  /** A reply to each attempt in turn; the last one stays. @default accepted by `courier-1` */
  requests?: readonly RequestReply[];
  /** What becomes of a withdrawal while a courier is on the way. @default 'withdrawn' */
  withdrawal?: 'withdrawn' | 'withdrawalRefused' | 'silence';
}
