import type { OrderDetail } from '../api/contract';
import { SideBySide } from './side-by-side';

/** An order's rows in the two databases. */
export function BothRows({ detail }: { detail: OrderDetail }) {
  const { orderId, row, dispatch } = detail;
  return (
    <>
      <SideBySide
        order={
          row
            ? {
                status: row.status,
                courierId: row.courierId,
                requestId: `${orderId}.${row.requestNumber}`,
                dispatchedBy: row.dispatchedBy,
              }
            : undefined
        }
        dispatch={dispatch ? { ...dispatch, status: dispatch.status ?? 'none' } : undefined}
      />
      {row === null && <p className="quiet-text">The order database has no row of it.</p>}
    </>
  );
}
