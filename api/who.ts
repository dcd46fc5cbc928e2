import type { Via } from '../domain/act';
import { ROLES, type Role } from '../domain/role';

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
