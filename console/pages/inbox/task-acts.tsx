import { Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client';
import type { TaskRow } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { ActDialog } from '../../parts/act-dialog';
import { useKeys } from '../../parts/keys';
import { ProblemNote } from '../../parts/notices';
import { Ago } from '../../parts/time';
import { useSession } from '../../session/session';
import classes from './task-acts.module.css';

/** How long a task can be snoozed, in minutes. */
const SNOOZES = [15, 60, 240, 720];

/** What one can do about a task without deciding it. */
export function Acts({ task }: { task: TaskRow }) {
  const { actor, mayAct } = useSession();
  const [isNoting, setNoting] = useState(false);
  const { taskId, claimedBy, claimedUntil, snoozedUntil } = task;
  const isMine = claimedBy === actor;
  const acting = useMutation({
    mutationFn: (act: () => Promise<unknown>) => act(),
    onSettled: () => refresh('tasks'),
  });
  const claim = () => acting.mutate(() => api.claim(taskId, claimedBy !== null && !isMine));
  const release = () => acting.mutate(() => api.release(taskId));
  useKeys({ c: mayAct ? (isMine ? release : claim) : undefined });
  return (
    <>
      <div className={classes.acts}>
        {claimedBy !== null && (
          <span className={classes.claimed} data-mine={isMine || undefined}>
            {isMine ? 'You look at it' : `${claimedBy} looks at it`}
            {claimedUntil !== null && (
              <>
                , until <Ago at={claimedUntil} />
              </>
            )}
          </span>
        )}
        {snoozedUntil !== null && (
          <span className={classes.claimed}>
            snoozed until <Ago at={snoozedUntil} />
          </span>
        )}
        {mayAct && (
          <>
            <Button variant="default" onClick={isMine ? release : claim} loading={acting.isPending}>
              {isMine ? 'Give back' : claimedBy === null ? 'Claim' : 'Take over'}
            </Button>
            <NativeSelect
              aria-label="Snooze"
              value=""
              onChange={(event) => {
                const until = new Date(Date.now() + Number(event.currentTarget.value) * 60_000);
                acting.mutate(() => api.snooze(taskId, until.toISOString()));
              }}
              data={[
                { value: '', label: 'Snooze …' },
                ...SNOOZES.map((minutes) => ({
                  value: String(minutes),
                  label: minutes < 60 ? `${minutes} min` : `${minutes / 60} h`,
                })),
              ]}
            />
            <Button variant="default" onClick={() => setNoting(true)}>
              Note
            </Button>
          </>
        )}
      </div>
      {acting.error && <ProblemNote error={acting.error} />}
      {isNoting && (
        <ActDialog
          title="Write a note"
          action="Write"
          act={(note) => api.note(taskId, note).then(() => refresh('tasks', 'audit'))}
          close={() => setNoting(false)}
        >
          <p>Others see it with this task. It decides nothing.</p>
        </ActDialog>
      )}
    </>
  );
}
