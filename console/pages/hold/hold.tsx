import { Button, NumberInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client';
import { refresh } from '../../api/query-client';
import { ActDialog } from '../../parts/act-dialog';
import { ProblemNote, Reading } from '../../parts/notices';
import { Page } from '../../parts/page';
import { Ago } from '../../parts/time';
import { counted } from '../../parts/words';
import { useSession } from '../../session/session';
import classes from './hold.module.css';

/** Keeps all requests at home, and lets them go. */
export function HoldPage() {
  const { mayManage } = useSession();
  const { data, error, refetch } = useQuery({ queryKey: ['hold'], queryFn: api.hold });
  const [isAsked, ask] = useState(false);
  const held = data?.hold ? data : undefined;
  const close = () => ask(false);
  return (
    <Page title="Hold">
      <div className={classes.text}>
        {error && <ProblemNote error={error} retry={refetch} />}
        {!data && !error && <Reading what="the hold" />}
        {data && !held && (
          <>
            <p>
              <b>Requests go out.</b>
            </p>
            <p>
              A hold keeps all requests at home: orders are accepted and recorded, none is sent, and
              none uses up an attempt. Withdrawals and cancellations go on. Hold while the dispatch
              system is down for long, or is known to answer wrongly; everybody sees who holds, and
              why.
            </p>
          </>
        )}
        {held && (
          <>
            <p>
              <b>{held.hold.endedAt === null ? 'Requests are held' : 'A release is under way'}</b>{' '}
              by {held.hold.heldBy}, <Ago at={held.hold.heldAt} />.
            </p>
            {held.hold.note && <blockquote>{held.hold.note}</blockquote>}
            <p>
              {counted(held.waiting, 'order')} waiting. A release sends three first; once they are
              answered, all others follow at its rate, each with its deadline later by the time that
              it was held. Where the three are not answered, the hold stays.
            </p>
          </>
        )}
        {data && mayManage && (
          <Button color={held ? undefined : 'red'} onClick={() => ask(true)}>
            {held ? 'Release …' : 'Hold all requests …'}
          </Button>
        )}
        {data && !mayManage && <p className="quiet-text">An admin can hold and release.</p>}
      </div>
      {isAsked &&
        (held ? (
          <ReleaseDialog waiting={held.waiting} close={close} />
        ) : (
          <ActDialog
            title="Hold all requests"
            action="Hold"
            isDrastic
            act={(note) => api.startHold(note).then(() => refresh('hold', 'health', 'audit'))}
            close={close}
          >
            <p>From now on no order gets a courier, until somebody releases them.</p>
          </ActDialog>
        ))}
    </Page>
  );
}

function ReleaseDialog({ waiting, close }: { waiting: number; close: () => void }) {
  const [ratePerSecond, setRate] = useState(20);
  return (
    <ActDialog
      title="Release"
      action={`Release ${counted(waiting, 'order')}`}
      act={(note) =>
        api.releaseHold(note, ratePerSecond).then(() => refresh('hold', 'health', 'audit'))
      }
      close={close}
    >
      <NumberInput
        label="Orders per second"
        min={1}
        max={1_000}
        value={ratePerSecond}
        onChange={(value) => setRate(Number(value) || 1)}
      />
    </ActDialog>
  );
}
