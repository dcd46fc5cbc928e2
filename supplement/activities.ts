import {
  findDispatchRows,
  toDispatchFacts,
  type DispatchView,
} from '../database/dispatch/dispatch-view';
import type { SupplementActivities } from '../domain/reconciliation';

/** The activity that workflows reach on the supplement system's task queue: it alone reads the dispatch database. */
export function createSupplementActivities(view: DispatchView): SupplementActivities {
  return {
    async findDispatch({ orderId }) {
      const rows = await findDispatchRows(view, [orderId]);
      return toDispatchFacts(rows.get(orderId));
    },
  };
}
