/**
 * The errors that callers meet, by their stable code. The same string is the class name, the `code`,
 * and the type of the Temporal failure that carries the error out of a workflow.
 */
export const ERROR_CODES = [
  'InvalidOrder',
  'InvalidPolicy',
  'OrderConflict',
  'OrderNotFound',
  'ResolutionRefused',
  'TooLateToCancel',
  'OrderUnsettled',
  'ErasureRefused',
  'DispatchUnavailable',
  'BrokerUnavailable',
  'DatabaseUnavailable',
  'MigrationFailed',
  'UnroutableMessage',
  'MalformedMessage',
  'BrokenDispatchView',
  'InvalidConfiguration',
  'ConnectionClosed',
  'UsageError',
  'WaitTimedOut',
  'Unexpected',
] as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Base of every error of this service; `code` is stable, the message says what one can do. */
export abstract class OrderDispatchError extends Error {
  abstract readonly code: ErrorCode;

  override get name(): string {
    return this.code;
  }
}

/** The order is not valid; the message names each bad field. Nothing was recorded. */
export class InvalidOrder extends OrderDispatchError {
  readonly code = 'InvalidOrder';
}

/** The policy is not valid; the message names each bad field. Nothing was recorded. */
export class InvalidPolicy extends OrderDispatchError {
  readonly code = 'InvalidPolicy';
}

/** An order with this ID and other content exists already. */
export class OrderConflict extends OrderDispatchError {
  readonly code = 'OrderConflict';

  constructor(orderId: string) {
    super(`order ${orderId} exists with other content: place a changed order under a new order ID`);
  }
}

/** The order is not known: by default, Temporal has no workflow of it. */
export class OrderNotFound extends OrderDispatchError {
  readonly code = 'OrderNotFound';

  constructor(orderId: string, hint = 'check the ID and the namespace') {
    super(`order ${orderId} is not known: ${hint}`);
  }
}

/** The resolution changes nothing, and why: it is not valid, or no human task waits for it. */
export class ResolutionRefused extends OrderDispatchError {
  readonly code = 'ResolutionRefused';
  /** It is shown to people as it is: where our code raised it says nothing to them. */
  override stack = '';
}

/** The courier is on the way: the order stays dispatched. */
export class TooLateToCancel extends OrderDispatchError {
  readonly code = 'TooLateToCancel';
}

/** The order's workflow was ended before its order was settled: terminated by hand, say. */
export class OrderUnsettled extends OrderDispatchError {
  readonly code = 'OrderUnsettled';

  constructor(orderId: string, options: { how: string; cause: unknown }) {
    super(
      `the workflow of order ${orderId} ${options.how}: reconciling the order starts it again`,
      options,
    );
  }
}

/** Temporal could not be reached. Whatever was asked is safe to repeat. */
export class DispatchUnavailable extends OrderDispatchError {
  readonly code = 'DispatchUnavailable';
}

/**
 * The broker did not confirm a message: no connection, a closed channel, a blocked connection, or
 * no confirm in time. Whether it took the message is unknown; publishing again is safe.
 */
export class BrokerUnavailable extends OrderDispatchError {
  readonly code = 'BrokerUnavailable';
}

/** A database does not answer, or cannot serve just now. Whatever was asked is safe to repeat. */
export class DatabaseUnavailable extends OrderDispatchError {
  readonly code = 'DatabaseUnavailable';

  /**
   * @param database which one, with its place: `the order database at host/name`; never its URL, which
   * has a password.
   */
  constructor(database: string, options: { why: string; cause: unknown }) {
    super(`${database} cannot be reached (${options.why}): safe to repeat`, options);
  }
}

/** A migration failed, or one that a database has was edited since; the message names it. */
export class MigrationFailed extends OrderDispatchError {
  readonly code = 'MigrationFailed';
}

/** The broker returned a message because no queue is bound for it. */
export class UnroutableMessage extends OrderDispatchError {
  readonly code = 'UnroutableMessage';
}

/** A message that no retry can mend: its type is unknown or a field is missing. */
export class MalformedMessage extends OrderDispatchError {
  readonly code = 'MalformedMessage';
}

/** A setting is missing or wrong; the message names it. */
export class InvalidConfiguration extends OrderDispatchError {
  readonly code = 'InvalidConfiguration';
}

/** The connection is closed: nothing was asked, or what is under way goes on without its answer. */
export class ConnectionClosed extends OrderDispatchError {
  readonly code = 'ConnectionClosed';
}

/** What a command line was given, or what a file of its holds, cannot be used; nothing was done. */
export class UsageError extends OrderDispatchError {
  readonly code = 'UsageError';
}

/** What a command waited for takes longer than its `--timeout` allows; it goes on. */
export class WaitTimedOut extends OrderDispatchError {
  readonly code = 'WaitTimedOut';
}

/** Nobody foresaw this failure; its `cause` is what was thrown. Whether something was done is unknown. */
export class Unexpected extends OrderDispatchError {
  readonly code = 'Unexpected';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
