import type { Via } from '../domain/act';

/** What somebody may do; each of the last three may all that the one before may. */
export const ROLES = ['service', 'viewer', 'operator', 'admin'] as const;

/**
 * - `service`: places and reads orders, for other services
 * - `viewer`: reads, without what is the customer's
 * - `operator`: decides about tasks and orders
 * - `admin`: also about many at once, holds and discards
 */
export type Role = (typeof ROLES)[number];

/** Who asks. */
export interface Who {
  /** The name that the audit gets. */
  actor: string;
  role: Role;
  /** `web` for a page, `api` for a program. */
  via: Extract<Via, 'web' | 'api'>;
}

/** Who may use a route. */
export type Allowed = 'everybody' | readonly Role[];

/** Everybody on shift. */
export const READERS = ['viewer', 'operator', 'admin'] as const;

/** Who may read orders. */
export const ORDER_READERS = ROLES;

/** Who may place orders. */
export const ORDER_PLACERS = ['service', 'operator', 'admin'] as const;

/** Who may decide about one order or task. */
export const OPERATORS = ['operator', 'admin'] as const;

/** Who may decide about many. */
export const ADMINS = ['admin'] as const;
