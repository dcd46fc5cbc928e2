import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { Icon } from '../../parts/icons';
import { Id, OrderLink } from '../../parts/ids';
import { ProblemNote, Reading } from '../../parts/notices';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import { LetterActs } from './letter-acts';
import classes from './dead-letters.module.css';

/** One dead letter, with its message for those who may see it. */
export function LetterPane({ id, close }: { id: string; close: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['deadLetters', 'one', id],
    queryFn: () => api.deadLetter(id),
  });
  return (
    <aside className={classes.pane} aria-label={`Dead letter ${id}`}>
      <button type="button" className={classes.close} onClick={close} aria-label="Close">
        <Icon name="close" />
      </button>
      {error && <ProblemNote error={error} />}
      {!data && !error && <Reading what="the message" />}
      {data && (
        <>
          <h2>{data.deadLetterReason}</h2>
          <p className={classes.facts}>
            <StatusText status={data.state} />
            {data.orderId && <OrderLink orderId={data.orderId} />}
          </p>
          <dl className={classes.fields}>
            <dt>Queue</dt>
            <dd>
              <Id>{data.sourceQueue}</Id>
            </dd>
            <dt>Type</dt>
            <dd>
              <Id>{data.type}</Id>
            </dd>
            <dt>Message</dt>
            <dd>
              <Id>{data.messageId}</Id>
            </dd>
            <dt>Tried</dt>
            <dd>
              {data.attempts} times, first <Ago at={data.firstFailedAt} />, last{' '}
              <Ago at={data.lastFailedAt} />
            </dd>
            {data.decidedBy !== null && (
              <>
                <dt>By</dt>
                <dd>
                  {data.decidedBy}
                  {data.decisionNote ? `: ${data.decisionNote}` : ''}
                </dd>
              </>
            )}
          </dl>
          {data.state === 'open' && (
            <LetterActs target={{ ids: [data.id] }} count={1} isMany={false} />
          )}
          {data.headers && <Raw title="Headers" text={JSON.stringify(data.headers, null, 2)} />}
          {data.content === undefined ? (
            <p className="quiet-text">
              Its content ({data.contentBytes} bytes) is not for you to read.
            </p>
          ) : (
            <Raw
              title={data.contentEncoding === 'base64' ? 'Content, base64' : 'Content'}
              text={data.content}
            />
          )}
        </>
      )}
    </aside>
  );
}

function Raw({ title, text }: { title: string; text: string }) {
  return (
    <>
      <h3>{title}</h3>
      <pre tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </>
  );
}
