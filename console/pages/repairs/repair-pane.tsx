import { useQuery } from '@tanstack/react-query';
import type { Facts } from '../../../domain/verdict';
import { api } from '../../api/client';
import { Icon } from '../../parts/icons';
import { Id, OrderLink } from '../../parts/ids';
import { ProblemNote, Reading } from '../../parts/notices';
import { SideBySide } from '../../parts/side-by-side';
import { StatusText } from '../../parts/status';
import { Ago } from '../../parts/time';
import classes from './repairs.module.css';

/** One repair: what both databases had before and after it. */
export function RepairPane({ id, close }: { id: string; close: () => void }) {
  const { data, error } = useQuery({
    queryKey: ['repairs', 'one', id],
    queryFn: () => api.repair(id),
  });
  return (
    <aside className={classes.pane} aria-label={`Repair ${id}`}>
      <button type="button" className={classes.close} onClick={close} aria-label="Close">
        <Icon name="close" />
      </button>
      {error && <ProblemNote error={error} />}
      {!data && !error && <Reading what="the repair" />}
      {data && (
        <>
          <h2>{data.found}</h2>
          <p className={classes.facts}>
            <OrderLink orderId={data.orderId} />
            <StatusText status={data.done} />
            <Ago at={data.createdAt} />
          </p>
          <p className="quiet-text">
            Brought up by <Id>{data.provenance}</Id>
            {data.actor !== undefined && <>, decided by {data.actor}</>}
          </p>
          {data.note !== undefined && <blockquote>{data.note}</blockquote>}
          <h3>Before</h3>
          <FactsView facts={data.before} />
          <h3>After</h3>
          <FactsView facts={data.after} />
        </>
      )}
    </aside>
  );
}

function FactsView({ facts }: { facts: Facts }) {
  const { order, dispatch, workflow, copy } = facts;
  return (
    <>
      <SideBySide order={order} dispatch={dispatch.status === 'none' ? undefined : dispatch} />
      <p className="quiet-text">
        Its workflow: {workflow === 'none' ? 'none' : workflow}
        {copy && (
          <>
            ; {copy.isOurs ? 'a copy of ours' : 'a stranger’s copy'}
            {order && copy.contentHash !== order.contentHash ? ' with other content' : ''}
          </>
        )}
      </p>
    </>
  );
}
