import type { EscalationReason } from './status';

/** What a person can decide about an order's human task. */
export const ORDER_DECISIONS = ['retry', 'markDispatched', 'cancel'] as const;

/** What a person can decide about a finding: what the databases disagree about. */
export const FINDING_DECISIONS = ['keep', 'withdraw', 'restart'] as const;

/** What a person can say of a courier whom a person had sent, and whose order is being cancelled. */
export const CALL_OFF_DECISIONS = ['calledOff', 'tooLate'] as const;

/** All decisions. */
export const DECISIONS = [...ORDER_DECISIONS, ...FINDING_DECISIONS, ...CALL_OFF_DECISIONS] as const;

/** What a person can decide; which of them a human task takes, it says itself. */
export type Decision = (typeof DECISIONS)[number];

/** What the human task of an escalation reason takes. */
export function decisionsFor(escalationReason: EscalationReason): readonly Decision[] {
  switch (escalationReason) {
    case 'withdrawalFailed':
      return ['retry'];
    case 'courierToCallOff':
      return CALL_OFF_DECISIONS;
    case 'discrepancy':
      return FINDING_DECISIONS;
    case 'unhealthy':
      return [];
    default:
      return ORDER_DECISIONS;
  }
}
