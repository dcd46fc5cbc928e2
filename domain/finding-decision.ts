import { FINDING_DECISIONS, type Decision } from './decisions';
import { ResolutionRefused } from './errors';
import { reconcileOrderWorkflowId } from './temporal-names';

/**
 * Refuses, of an order that is settled, a decision about a finding: its status would say nothing about that.
 *
 * @throws {@link ResolutionRefused} that names the finding's task.
 */
export function refuseFindingDecision(orderId: string, decision: Decision): void {
  if (!FINDING_DECISIONS.some((each) => each === decision)) return;
  throw new ResolutionRefused(
    `${decision} is a decision about a finding: resolve its task, ${reconcileOrderWorkflowId(orderId)}`,
  );
}
