/** An order's statuses. `cancelled` is final. */
export const ORDER_STATUSES = [
  'placed',
  'escalated',
  'cancelling',
  'dispatched',
  'cancelled',
] as const;

/** Where an order stands. */
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Every change that an order's status can make (invariant I6); every one is a compare-and-set. */
export const ORDER_STATUS_EDGES: Readonly<Record<OrderStatus, readonly OrderStatus[]>> = {
  placed: ['dispatched', 'escalated', 'cancelling', 'cancelled'],
  escalated: ['placed', 'dispatched', 'cancelling', 'cancelled'],
  dispatched: ['cancelling'],
  cancelling: ['cancelled', 'dispatched'],
  cancelled: [],
};

/** Who decided that an order is dispatched: an applied acknowledgement, or a person. */
export type DispatchedBy = 'acknowledgement' | 'person';

/** Why a human task is opened. */
export const ESCALATION_REASONS = [
  'noAcknowledgement',
  'brokerUnavailable',
  'databaseUnavailable',
  /** A request could not be sent, for a cause that nobody foresaw. */
  'requestFailed',
  'deadlinePassed',
  'rejected',
  'requestDeadLettered',
  'withdrawalFailed',
  /** The order is being cancelled, and only people can reach the courier whom a person sent. */
  'courierToCallOff',
  /** Not about an order's dispatch but about a finding: the databases disagree. */
  'discrepancy',
  /** Not about an order but about the service: a health check found what a person must act on. */
  'unhealthy',
] as const;

/** Why a human task was opened. */
export type EscalationReason = (typeof ESCALATION_REASONS)[number];
