import { Button, NumberInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../../api/client';
import type { DeadLetterTarget } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { ActDialog } from '../../parts/act-dialog';
import { counted } from '../../parts/words';
import { useSession } from '../../session/session';
import { DryRun } from './dry-run';
import classes from './dead-letters.module.css';

/** What can be done about open dead letters. An operator replays one by one; an admin also many, and discards. */
export function LetterActs(props: { target: DeadLetterTarget; count: number; isMany: boolean }) {
  const { target, count, isMany } = props;
  const { mayAct, mayManage } = useSession();
  const [asked, ask] = useState<'replay' | 'discard'>();
  const close = () => ask(undefined);
  const mayReplay = isMany ? mayManage : mayAct;
  const these = isMany ? ` ${count.toLocaleString('en')}` : '';
  return (
    <div className={classes.acts}>
      {mayReplay && (
        <Button variant="default" onClick={() => ask('replay')}>
          Replay{these} …
        </Button>
      )}
      {mayManage && (
        <Button variant="default" onClick={() => ask('discard')}>
          Discard{these} …
        </Button>
      )}
      {asked === 'replay' && <ReplayDialog target={target} isMany={isMany} close={close} />}
      {asked === 'discard' && (
        <ActDialog
          title="Discard dead letters"
          action="Discard"
          isDrastic
          act={(note) =>
            api.discard({ ...target, note }).then(() => refresh('deadLetters', 'audit'))
          }
          close={close}
        >
          <DryRun count={() => api.discard({ ...target, note: 'dry run', dryRun: true })} />
          <p>
            Nobody will handle these messages. What they were and who discarded them stays recorded.
          </p>
        </ActDialog>
      )}
    </div>
  );
}

function ReplayDialog(props: { target: DeadLetterTarget; isMany: boolean; close: () => void }) {
  const { target, isMany, close } = props;
  const navigate = useNavigate({ from: '/dead-letters' });
  const [ratePerSecond, setRate] = useState(10);
  const [canary, setCanary] = useState(3);
  const replay = async (note: string) => {
    const { replayId } = await api.replay({
      ...target,
      note,
      ratePerSecond,
      canary: isMany ? canary : 0,
    });
    void refresh('deadLetters', 'audit');
    await navigate({ search: (before) => ({ ...before, replay: replayId }) });
  };
  return (
    <ActDialog title="Replay dead letters" action="Replay" act={replay} close={close}>
      <DryRun count={() => api.countReplay(target)} />
      <p>
        Each message goes to the queue that it came from, and is marked once the broker has it.
        {isMany &&
          ` The first ${counted(canary, 'message goes', 'messages go')} alone: where one comes back, the rest stays.`}
      </p>
      {isMany && (
        <div className={classes.numbers}>
          <NumberInput
            label="Messages per second"
            min={1}
            max={1_000}
            value={ratePerSecond}
            onChange={(value) => setRate(Number(value) || 1)}
          />
          <NumberInput
            label="Go first"
            min={0}
            max={100}
            value={canary}
            onChange={(value) => setCanary(Number(value) || 0)}
          />
        </div>
      )}
    </ActDialog>
  );
}
