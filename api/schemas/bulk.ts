import { z } from 'zod';
import { VIAS } from '../../domain/act';
import { BULK_DECISIONS } from '../../domain/bulk';
import { at } from './primitives';
import { escalationReason } from './tasks';

/** What can be decided about many at once. */
export const bulkDecision = z.enum(BULK_DECISIONS);

const bulkRun = z
  .object({
    id: z.int(),
    actor: z.string(),
    via: z.enum(VIAS),
    /** Absent for a viewer, as `abortNote`. */
    note: z.string().optional(),
    decision: bulkDecision,
    filter: z.unknown(),
    ratePerSecond: z.number(),
    state: z.enum(['running', 'done', 'canaryFailed', 'aborted']),
    createdAt: at,
    endedAt: at.nullable(),
    abortedBy: z.string().nullable(),
    abortNote: z.string().nullable().optional(),
  })
  .meta({ id: 'BulkRun' });

/** A run, and how far it is. */
export const bulkProgress = z
  .object({
    run: bulkRun,
    counts: z.object({
      pending: z.int(),
      resolved: z.int(),
      refused: z.int(),
      failed: z.int(),
      skipped: z.int(),
    }),
  })
  .meta({ id: 'BulkProgress' });

/** A run, with the tasks that it did not resolve. */
export const bulkReport = bulkProgress
  .extend({
    rows: z.array(
      z.object({
        n: z.int(),
        taskId: z.string(),
        openedAt: at,
        orderId: z.string().nullable(),
        escalationReason,
        state: z.enum(['pending', 'resolved', 'refused', 'failed', 'skipped']),
        outcome: z.string().nullable(),
        endedAt: at.nullable(),
      }),
    ),
  })
  .meta({ id: 'BulkReport' });
