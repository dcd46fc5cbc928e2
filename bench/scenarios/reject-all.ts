import type { Decide } from '../../dispatch-system/decide';

/** A dispatch system without couriers: its answer makes every order wait for a person. */
export const decide: Decide = () => ({ kind: 'reject', rejectionCode: 'noCourierAvailable' });
