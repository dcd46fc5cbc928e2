/** What a person can decide about an order's human task. */
export const ORDER_DECISIONS = ['retry', 'markDispatched', 'cancel'] as const;

/** What a person can decide about a finding: what the databases disagree about. */
export const FINDING_DECISIONS = ['keep', 'withdraw', 'restart'] as const;

/** What a person can decide; which of them a human task takes, it says itself. */
export type Decision = (typeof ORDER_DECISIONS)[number] | (typeof FINDING_DECISIONS)[number];
