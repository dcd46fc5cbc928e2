import type { IconName } from '../parts/icons';

/** Where one can go: the rail's entries, each with the letter that follows `g`. */
export const PLACES = [
  { to: '/inbox', label: 'Inbox', icon: 'inbox', letter: 'i' },
  { to: '/orders', label: 'Orders', icon: 'orders', letter: 'o' },
  { to: '/overview', label: 'Overview', icon: 'overview', letter: 'v' },
  { to: '/dead-letters', label: 'Dead letters', icon: 'deadLetters', letter: 'd' },
  { to: '/repairs', label: 'Repairs', icon: 'repairs', letter: 'r' },
  { to: '/bulk', label: 'Bulk runs', icon: 'bulk', letter: 'b' },
  { to: '/audit', label: 'Audit', icon: 'audit', letter: 'a' },
  { to: '/hold', label: 'Hold', icon: 'hold', letter: 'h' },
] as const satisfies readonly { to: string; label: string; icon: IconName; letter: string }[];

export type Place = (typeof PLACES)[number];
