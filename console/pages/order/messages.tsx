import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../../api/client';
import { Id } from '../../parts/ids';
import { ProblemNote, Reading } from '../../parts/notices';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { spaced } from '../../parts/words';
import classes from './messages.module.css';

/** The messages about an order as they came: answers as the ledger has them, and dead letters. */
export function Messages({ orderId }: { orderId: string }) {
  const { data, error } = useQuery({
    queryKey: ['orders', orderId, 'messages'],
    queryFn: () => api.messages(orderId),
  });
  if (error) return <ProblemNote error={error} />;
  if (!data) return <Reading what="the messages" />;
  const { acknowledgements, deadLetters } = data;
  if (acknowledgements.length + deadLetters.length === 0) {
    return (
      <p className="quiet-text">
        No answer came, and no message became a dead letter. What was sent stands in the timeline.
      </p>
    );
  }
  return (
    <ul className={classes.messages}>
      {acknowledgements.map((answer) => (
        <li key={answer.id}>
          <details>
            <summary>
              <Id>{answer.requestId}</Id> <b>{spaced(answer.outcome)}</b>
              <span className="quiet-text">
                {answer.class === 'first' ? 'applied' : `${answer.class}, not applied`}, came{' '}
                <Ago at={answer.receivedAt} />
              </span>
            </summary>
            <pre tabIndex={0}>{JSON.stringify(answer, null, 2)}</pre>
          </details>
        </li>
      ))}
      {deadLetters.map(({ id, deadLetterReason, state, lastFailedAt }) => (
        <li key={id} className={classes.letter}>
          <Link to="/dead-letters" search={{ about: orderId, id }}>
            Dead letter {id}
          </Link>
          <span>{deadLetterReason}</span>
          <StatusText status={state} />
          <Ago at={lastFailedAt} />
        </li>
      ))}
    </ul>
  );
}
