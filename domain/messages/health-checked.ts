import { z } from 'zod';

/** Says that the health of the service was checked; also its routing key. */
export const HEALTH_CHECKED_TYPE = 'health.checked.v1';

const count = z.int().min(0);

/** A check of the service's health, for those who cannot read its report. Unknown fields are ignored. */
export const healthCheckedSchema = z.object({
  /** When it was checked. */
  at: z.iso.datetime({ offset: true }),
  /** How many findings a person must act on. */
  critical: count,
  /** How many findings else. */
  warning: count,
});

/** See {@link healthCheckedSchema}. */
export type HealthChecked = z.infer<typeof healthCheckedSchema>;
