import { z } from 'zod';
import { DECISIONS } from '../../domain/decisions';
import { HUMAN_TASK_KINDS } from '../../domain/human-task';
import { ESCALATION_REASONS } from '../../domain/status';
import { at, next } from './primitives';

/** Why a human task was opened. */
export const escalationReason = z.enum(ESCALATION_REASONS);

/** A human task as it is listed. */
export const humanTaskRow = z
  .object({
    taskId: z.string(),
    openedAt: at,
    kind: z.enum(HUMAN_TASK_KINDS),
    orderId: z.string().nullable(),
    restaurantId: z.string().nullable(),
    escalationReason,
    dueAt: at,
    overdueAt: at,
    claimedBy: z.string().nullable(),
    claimedUntil: at.nullable(),
    snoozedUntil: at.nullable(),
  })
  .meta({ id: 'HumanTaskRow' });

/** Open human tasks, counted by reason. */
const humanTaskGroup = z
  .object({ escalationReason, count: z.int(), oldestOpenedAt: at })
  .meta({ id: 'HumanTaskGroup' });

/** A page of open human tasks. */
export const humanTaskList = z
  .object({
    matched: z.int(),
    groups: z.array(humanTaskGroup),
    rows: z.array(humanTaskRow),
    next,
  })
  .meta({ id: 'HumanTaskList' });

/** What an open task takes, as its workflow says. */
export const openHumanTask = z
  .object({
    escalationReason,
    escalatedAt: z.string(),
    decisions: z.array(z.enum(DECISIONS)).readonly(),
  })
  .meta({ id: 'OpenHumanTask' });

/** What a person should know about a task. */
export const guidance = z
  .object({ means: z.string(), checkFirst: z.string(), usualDecision: z.string() })
  .meta({ id: 'Guidance' });

/** A human task, with all that one needs to decide. */
export const humanTaskDetails = z
  .object({
    task: humanTaskRow.extend({
      /** Null while it is open. */
      end: z
        .object({
          closedAt: at,
          closedBy: z.string(),
          decision: z.string().nullable(),
          actor: z.string().nullable(),
        })
        .nullable(),
    }),
    /** What can be decided, and the JSON schema of what goes with it. */
    decisions: z.array(
      z.object({ decision: z.enum(DECISIONS), schema: z.record(z.string(), z.unknown()) }),
    ),
    guidance,
    /** Absent for a viewer. */
    notes: z.array(z.object({ at, actor: z.string(), note: z.string() })).optional(),
    /** Of a task about an order. */
    why: z.object({ text: z.string() }).nullable(),
    /** As the workflow says; null where no worker answers, and once it is closed. */
    humanTask: openHumanTask.nullable(),
    /** Why the workflow did not answer. */
    unanswered: z.string().optional(),
  })
  .meta({ id: 'HumanTaskDetails' });
