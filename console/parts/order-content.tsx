import type { OrderDetail } from '../api/contract';
import { Id } from './ids';
import { Ago } from './time';
import classes from './order-content.module.css';

/** What was ordered. Personal data is there for those who may see it. */
export function OrderContent({ detail }: { detail: OrderDetail }) {
  const { order, row } = detail;
  if (!order) return <p className="quiet-text">What was ordered is not known any more.</p>;
  const { items = [], currency = '', customerId, restaurantId, deliveryAddress, note } = order;
  const total = items.reduce((sum, item) => sum + item.quantity * item.unitPriceMinor, 0);
  return (
    <div className={classes.content}>
      <dl className={classes.facts}>
        <Fact name="Restaurant" value={restaurantId && <Id>{restaurantId}</Id>} />
        <Fact name="Customer" value={customerId && <Id>{customerId}</Id>} />
        <Fact
          name="Address"
          value={
            deliveryAddress &&
            [deliveryAddress.line, deliveryAddress.postcode, deliveryAddress.city]
              .filter(Boolean)
              .join(', ')
          }
        />
        <Fact name="Customer’s note" value={note} />
        <Fact name="Placed" value={order.placedAt && <Ago at={order.placedAt} />} />
        <Fact name="Dispatch by" value={row?.dispatchBy && <Ago at={row.dispatchBy} />} />
      </dl>
      <table className={classes.items}>
        <caption className="seen-by-readers-only">Items</caption>
        <tbody>
          {items.map(({ sku, quantity, unitPriceMinor }, index) => (
            <tr key={index}>
              <td className={classes.number}>{quantity} ×</td>
              <td>
                <Id>{sku}</Id>
              </td>
              <td className={classes.number}>{money(quantity * unitPriceMinor, currency)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <td />
            <th scope="row">Total</th>
            <td className={classes.number}>{money(total, currency)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: React.ReactNode }) {
  if (value === undefined || value === null || value === '') return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function money(minor: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    const { maximumFractionDigits = 2 } = format.resolvedOptions();
    return format.format(minor / 10 ** maximumFractionDigits);
  } catch {
    return `${minor} ${currency}`;
  }
}
