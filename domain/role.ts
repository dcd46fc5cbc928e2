/** What somebody may do at the API; each of the last three may all that the one before may. */
export const ROLES = ['service', 'viewer', 'operator', 'admin'] as const;

/**
 * - `service`: places and reads orders, for other services
 * - `viewer`: reads, without what is the customer's
 * - `operator`: decides about tasks and orders
 * - `admin`: also about many at once, holds and discards
 */
export type Role = (typeof ROLES)[number];
