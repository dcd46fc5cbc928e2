import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../../api/client';
import { ProblemNote } from '../../parts/notices';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import classes from './messages.module.css';

/** What was repaired about an order. */
export function OrderRepairs({ orderId }: { orderId: string }) {
  const { data, error } = useQuery({
    queryKey: ['repairs', 'of', orderId],
    queryFn: () => api.repairs({ orderId, limit: 50 }),
  });
  if (error) return <ProblemNote error={error} />;
  if (!data) return null;
  if (data.rows.length === 0) {
    return <p className="quiet-text">None: the two databases never disagreed for long.</p>;
  }
  return (
    <ul className={classes.messages}>
      {data.rows.map(({ id, done, found, createdAt }) => (
        <li key={id} className={classes.letter}>
          <Link to="/repairs" search={{ orderId, id }}>
            {found}
          </Link>
          <StatusText status={done} />
          <Ago at={createdAt} />
        </li>
      ))}
    </ul>
  );
}
