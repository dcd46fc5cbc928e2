import { QUEUES } from './amqp-names';
import type { Guidance } from './guidance';
import type { OrderStatus } from './status';
import type { WhyFacts, WhyTask } from './why-facts';

/** What an order waits for. */
type WaitsFor =
  | 'acknowledgement'
  | 'withdrawalAnswer'
  | 'broker'
  | 'database'
  | 'nextAttempt'
  | 'nextRequest'
  | 'release'
  | 'worker'
  | 'person'
  /** Its workflow takes its next step just now. */
  | 'workflow'
  /** No workflow owns it, so nothing goes on by itself. */
  | 'nobody'
  /** It is where it should be. */
  | 'nothing'
  /** Who could say it did not answer. */
  | 'notKnown';

/** Why an order stands where it does; times are ISO 8601. */
export interface Why {
  orderId: string;
  /** Null where the row is lost; absent where nobody said. */
  status?: OrderStatus | null;
  waitsFor: WaitsFor;
  since?: string;
  attempt?: { number: number; of: number };
  confirmedAt?: string;
  nextAttemptAt?: string;
  /** When a person is asked, if nothing comes until then. */
  escalatesAt?: string;
  /** The open human tasks, the order's own first. */
  tasks?: (WhyTask & { guidance: Guidance })[];
  youCan: string[];
  /** What could not be looked at, and why. */
  notKnown: readonly string[];
  /** The same as one paragraph. */
  text: string;
}

/** How the paragraph names a time that is given as ISO 8601. */
export type TimeWriter = (iso: string) => string;

/** What a rule says: the reason's fields, and the paragraph's clauses. */
export type Reason = Omit<Why, 'orderId' | 'status' | 'notKnown' | 'text'> & { clauses: string[] };

/** What the queue says that the dispatch system reads. */
export function queueClauses({ requestsQueue }: WhyFacts): string[] {
  if (!requestsQueue) return [];
  const { consumers, messages } = requestsQueue;
  const many = consumers === 1 ? '1 consumer' : `${consumers} consumers`;
  return [
    `\`${QUEUES.dispatchRequests}\` has ${many}${messages > 0 ? `, ${messages} waiting` : ''}`,
  ];
}
