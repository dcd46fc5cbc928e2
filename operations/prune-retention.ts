/** The longest that a request can be under way, in days: the most that `dispatchWithinMs` may be. */
export const LONGEST_REQUEST_DAYS = 30;

/** The longest that anything can be kept, in days. */
export const LONGEST_RETENTION_DAYS = 36_500;

/**
 * For how many days a row of each table is kept where nobody says otherwise. A row's age counts from
 * its last change.
 */
export const DEFAULT_RETENTION = {
  /** Final orders. */
  orders: 90,
  /** The ledger. */
  acknowledgements: 180,
  /** Dispatches; kept as long as the order database has their order, however old they are. */
  dispatches: 90,
  /** Stored answers, and the tombstones of withdrawals. */
  inbox: 180,
  repairs: 180,
  /** Closed human tasks. */
  humanTasks: 180,
  /** Replayed and discarded dead letters; they hold whole orders. */
  deadLetters: 90,
  /** Who did what. */
  audit: 1_095,
  /** Events that were sent. */
  outcomeEvents: 30,
  /** What each health check saw: some 1,440 rows a day. */
  healthReports: 30,
  /** Holds that ended. */
  holds: 180,
  /** Bulk decisions that ended, with what came of each task. */
  bulkRuns: 180,
  /** The audit of erasures; it holds no personal data of customers. */
  erasures: 1_095,
} as const;

/** A table that has a retention. */
export type RetainedTable = keyof typeof DEFAULT_RETENTION;

/** For how many days a row of each table is kept. */
export type Retention = Readonly<Record<RetainedTable, number>>;

/** A retention that must not be shorter than what depends on it. */
export interface RetentionRule {
  table: RetainedTable;
  /** The table whose retention it is measured by; none where the days stand for themselves. */
  than?: RetainedTable;
  /** How many days more than that at least. */
  days: number;
  because: string;
}

/** What depends on what. A table that is measured by has its own rules above. */
export const RETENTION_RULES: readonly RetentionRule[] = [
  {
    table: 'orders',
    days: LONGEST_REQUEST_DAYS + 1,
    because:
      'a copy of a request, or the withdrawal of an order that a person dispatched, may be under way that long, and would bring the order back',
  },
  {
    table: 'acknowledgements',
    than: 'orders',
    days: 0,
    because: 'an order is dispatched or cancelled by an answer that the ledger has',
  },
  {
    table: 'dispatches',
    than: 'orders',
    days: 0,
    because: 'a dispatched order without its dispatch is a discrepancy that a person must settle',
  },
  {
    table: 'inbox',
    than: 'orders',
    days: LONGEST_REQUEST_DAYS,
    because:
      'a repeat must get the answer of the first, and a tombstone must outlive every request that may still be in a queue',
  },
  {
    table: 'repairs',
    than: 'dispatches',
    days: 0,
    because: 'what a person decided to keep is asked again once the repair that says so is gone',
  },
  {
    table: 'humanTasks',
    than: 'orders',
    days: 0,
    because: 'what became of an order is told by who was asked about it',
  },
  {
    table: 'audit',
    than: 'orders',
    days: 0,
    because: 'what became of an order is told by who did what to it',
  },
  {
    table: 'deadLetters',
    days: 7,
    because: 'a drain that crashed before its ack knows a message again by its row',
  },
  {
    table: 'erasures',
    than: 'orders',
    days: 0,
    because: 'an erased order is found again by the erasure that blanked it',
  },
];
