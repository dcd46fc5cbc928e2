import { Fragment } from 'react';
import { Id } from './ids';
import { StatusText } from './status';
import classes from './side-by-side.module.css';

/** What one side says of an order's dispatch. */
export interface OrderSide {
  status: string;
  courierId?: string | null;
  requestId?: string | null;
  dispatchedBy?: string | null;
}

/** Both databases' rows of an order, with marks where they do not agree; undefined where one has none. */
export function SideBySide({ order, dispatch }: { order?: OrderSide; dispatch?: OrderSide }) {
  const lines = [
    {
      name: 'Status',
      left: order && <StatusText status={order.status} />,
      right: dispatch && <StatusText status={dispatch.status} />,
      differs: !doStatusesAgree(order, dispatch),
    },
    {
      name: 'Courier',
      left: order?.courierId && <Id>{order.courierId}</Id>,
      right: dispatch?.courierId && <Id>{dispatch.courierId}</Id>,
      differs: dispatch?.status === 'live' && (order?.courierId ?? null) !== dispatch.courierId,
    },
    {
      name: 'Request',
      left: order?.requestId && <Id>{order.requestId}</Id>,
      right: dispatch?.requestId && <Id>{dispatch.requestId}</Id>,
      differs: Boolean(
        order?.requestId && dispatch?.requestId && order.requestId !== dispatch.requestId,
      ),
    },
    {
      name: 'Decided by',
      left: order?.dispatchedBy && (order.dispatchedBy === 'person' ? 'a person' : 'an answer'),
      right: undefined,
      differs: false,
    },
  ].filter(({ left, right }) => left !== undefined || right !== undefined);
  return (
    <div className={classes.rows} role="table" aria-label="Both databases">
      <div role="row" className={classes.line}>
        <span role="columnheader" className={classes.name}>
          <span className="seen-by-readers-only">Field</span>
        </span>
        <span role="columnheader">order database</span>
        <span role="columnheader">dispatch database</span>
      </div>
      {lines.map(({ name, left, right, differs }) => (
        <Fragment key={name}>
          <div role="row" className={classes.line} data-differs={differs || undefined}>
            <span role="rowheader" className={classes.name}>
              {name}
              {differs && (
                <b title="The two do not agree">
                  ≠<span className="seen-by-readers-only"> they do not agree</span>
                </b>
              )}
            </span>
            <span role="cell">{left ?? <Nothing />}</span>
            <span role="cell">{right ?? <Nothing />}</span>
          </div>
        </Fragment>
      ))}
    </div>
  );
}

function Nothing() {
  return <span className="quiet-text">–</span>;
}

/** Whether the two are what follows of one another, once everything has settled. */
function doStatusesAgree(order: OrderSide | undefined, dispatch: OrderSide | undefined): boolean {
  const isLive = dispatch?.status === 'live';
  if (!order) return !isLive;
  switch (order.status) {
    case 'dispatched':
      return order.dispatchedBy === 'person' ? !isLive : isLive;
    case 'cancelled':
    case 'placed':
    case 'escalated':
      return !isLive;
    default:
      return true;
  }
}
