/** RabbitMQ's names, each once. */

/** Exchanges. */
export const EXCHANGES = {
  /** Topic: requests and withdrawals, routed by their type. */
  requests: 'order-dispatch.requests',
  /** Direct: each answer goes to the home queue of the process that waits, by its reply key. */
  acknowledgements: 'order-dispatch.acknowledgements',
  /** Fanout and alternate exchange: an answer whose home is gone. */
  sharedAcknowledgements: 'order-dispatch.acknowledgements.shared',
  /** Topic: what others are told of orders and tasks, routed by its type. Its queues are theirs. */
  events: 'order-dispatch.events',
} as const;

/** Durable queues. */
export const QUEUES = {
  /** What the dispatch system reads. */
  dispatchRequests: 'dispatch.requests',
  /** The supplement system's copy of each request. */
  supplementRequests: 'supplement.requests',
  /** Answers without a home; every worker reads it. */
  acknowledgements: 'order-dispatch.acknowledgements',
} as const;

/** Where messages go that the consumer of `queue` gave up on. */
export function deadLetterQueueOf(queue: string): string {
  return `${queue}.dead`;
}

/** The queue that a dead-letter queue is of. */
export function sourceQueueOf(deadLetterQueue: string): string {
  return deadLetterQueue.replace(/\.dead$/, '');
}

/** `appId` of the messages that this service and the dispatch system publish. */
export const APP_IDS = {
  orderDispatch: 'order-dispatch',
  dispatchSystem: 'dispatch-system',
} as const;

/** Largest message body, in bytes. */
export const MESSAGE_MAX_BYTES = 64 * 1024;
