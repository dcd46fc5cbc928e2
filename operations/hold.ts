import { WorkflowFailedError, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { translateError, translated } from '../client/translate-error';
import type { OrdersDatabase } from '../database/orders/connection';
import { insertAudit } from '../database/orders/audit';
import { findHold, insertHold } from '../database/orders/holds';
import { parseAct, type Act } from '../domain/act';
import { ResolutionRefused } from '../domain/errors';
import type { Hold, HoldState, ReleaseHoldInput, ReleaseResult } from '../domain/hold';
import { TASK_QUEUES, WORKFLOW_TYPES, releaseHoldWorkflowId } from '../domain/temporal-names';

/** How many held orders a release sends per second, where nobody says otherwise. */
const DEFAULT_RELEASE_RATE = 20;

/** How many held orders must be answered before the rest is released. */
const CANARY = 3;

/** How long they may take, in ms, where nobody says otherwise. */
const CANARY_WITHIN_MS = 30_000;

/**
 * Keeps all requests at home until {@link release}: orders are accepted and recorded, no request goes
 * out, no attempt is used up. Withdrawals and cancellations go on. A publish that has looked for a hold
 * just before it is in force still goes out.
 *
 * @param given.via which way the act comes. @default 'cli'
 * @throws {@link ResolutionRefused} where a hold is in force already, with who holds, and since when; and
 * where the actor or the note is missing.
 */
export async function hold(
  database: OrdersDatabase,
  given: { actor: string; note: string; via?: Act['via'] },
): Promise<Hold> {
  const { via = 'cli' } = given;
  const begun = await insertHold(database, { ...parseAct(given), via });
  if (begun) return begun;
  const inForce = await findHold(database);
  const { heldBy, heldAt, note } = inForce?.hold ?? {};
  throw new ResolutionRefused(
    `requests are held already, by ${heldBy} since ${heldAt?.toISOString()}: ${note}`,
  );
}

/** The hold in force, or one whose orders are not all released yet; `undefined` where nothing is held. */
export function readHold(database: OrdersDatabase): Promise<HoldState | undefined> {
  return findHold(database);
}

/** A release under way. */
export interface Release {
  workflowId: string;
  /** Orders that wait when it begins. */
  waiting: number;
  /** Waits for its end, for which it needs nobody. @throws ResolutionRefused if its workflow was ended. */
  result: () => Promise<ReleaseResult>;
}

/**
 * Has held orders go on: first a few, and once they are answered all others, at that rate. The time that
 * each was held is added to its deadline. A durable workflow does it; to call this again joins it.
 *
 * @param given.via which way the act comes. @default 'cli'
 * @param given.ratePerSecond orders per second. @default 20
 * @param given.canaryWithinMs how long the first few may take to be answered. @default 30000
 * @throws {@link ResolutionRefused} where nothing is held, and where the actor or the note is missing.
 */
export async function release(
  { database, temporal }: { database: OrdersDatabase; temporal: Client },
  given: {
    actor: string;
    note: string;
    via?: Act['via'];
    ratePerSecond?: number;
    canaryWithinMs?: number;
  },
): Promise<Release> {
  const { via = 'cli', ratePerSecond = DEFAULT_RELEASE_RATE } = given;
  const { canaryWithinMs = CANARY_WITHIN_MS } = given;
  const { actor, note } = parseAct(given);
  const held = await findHold(database);
  if (!held) throw new ResolutionRefused('nothing is held: there is nothing to release');
  const { id: holdId } = held.hold;
  const workflowId = releaseHoldWorkflowId(holdId);
  // Before it begins: an act that came to nothing is recorded sooner than one that is not.
  const facts = { holdId, ratePerSecond };
  await insertAudit(database, { act: 'releaseHold', actor, note, via, facts });
  const input: ReleaseHoldInput = {
    holdId,
    ratePerSecond,
    canary: held.hold.endedAt === null ? CANARY : 0,
    canaryWithinMs,
  };
  const handle = await translated('', () =>
    temporal.workflow.start<(input: ReleaseHoldInput) => Promise<ReleaseResult>>(
      WORKFLOW_TYPES.releaseHold,
      {
        taskQueue: TASK_QUEUES.main,
        workflowId,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
        args: [input],
      },
    ),
  );
  const result = () =>
    handle.result().catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw translateError(error);
      throw new ResolutionRefused(
        `${workflowId} was ended before all orders were released: the others wait still, until they are released again`,
        { cause: error },
      );
    });
  return { workflowId, waiting: held.waiting, result };
}
