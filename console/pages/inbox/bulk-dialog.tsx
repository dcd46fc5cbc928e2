import { Button, Modal, NumberInput, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import type { BulkDecision } from '../../../domain/bulk';
import { api } from '../../api/client';
import type { BulkPlanned, BulkTarget } from '../../api/contract';
import { refresh } from '../../api/query-client';
import { Id } from '../../parts/ids';
import { submitByKey } from '../../parts/keys';
import { ProblemNote } from '../../parts/notices';
import { ReasonText } from '../../parts/status';
import { counted, decisionWord } from '../../parts/words';
import classes from './bulk-dialog.module.css';

/** What can be decided about many tasks of a reason; `markDispatched` needs a courier for each order. */
function bulkDecisionsFor(reason: string): readonly BulkDecision[] {
  switch (reason) {
    case 'withdrawalFailed':
      return ['retry'];
    case 'courierToCallOff':
      return ['calledOff', 'tooLate'];
    case 'discrepancy':
      return ['keep', 'withdraw', 'restart'];
    case 'unhealthy':
      return [];
    default:
      return ['retry', 'cancel'];
  }
}

/** Decides about many tasks at once: a dry run first, which says what it is about and changes nothing. */
export function BulkDialog(props: {
  target: BulkTarget;
  reasons: readonly string[];
  close: () => void;
}) {
  const { target, reasons, close } = props;
  const [decision, setDecision] = useState<BulkDecision>();
  const planning = useMutation({
    mutationFn: (chosen: BulkDecision) => api.planBulk(target, chosen),
  });
  // What all of them take; else what some do, and the others are refused.
  const decisions = [...new Set(reasons.flatMap(bulkDecisionsFor))];
  const choose = (chosen: BulkDecision) => {
    setDecision(chosen);
    planning.mutate(chosen);
  };
  return (
    <Modal
      opened
      onClose={close}
      title="Decide about many tasks"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className={classes.dialog}>
        <div className={classes.choices} role="group" aria-label="Decision">
          {decisions.map((each, index) => (
            <Button
              key={each}
              variant={each === decision ? 'filled' : 'default'}
              onClick={() => choose(each)}
              data-autofocus={index === 0 || undefined}
            >
              {decisionWord(each).label}
            </Button>
          ))}
        </div>
        {decisions.length === 0 && <p>Nothing can be decided about these at once.</p>}
        {decision === undefined && decisions.length > 0 && (
          <p className="quiet-text">
            Choose what is decided: a dry run then says which tasks that is about, and changes
            nothing.
          </p>
        )}
        {planning.isPending && <p role="status">Dry run …</p>}
        {planning.error && <ProblemNote error={planning.error} />}
        {planning.data && decision && (
          <>
            <Plan plan={planning.data} />
            {planning.data.matched > 0 && (
              <Start
                target={target}
                decision={decision}
                expected={planning.data.matched}
                close={close}
              />
            )}
          </>
        )}
      </div>
    </Modal>
  );
}

function Plan({ plan }: { plan: BulkPlanned }) {
  return (
    <section aria-label="Dry run" className={classes.plan}>
      <p>
        <b>Dry run: {counted(plan.matched, 'task')}.</b> Nothing is changed yet.
      </p>
      <ul>
        {plan.groups.map(({ escalationReason, count }) => (
          <li key={escalationReason}>
            <ReasonText reason={escalationReason} /> {count.toLocaleString('en')}
          </li>
        ))}
      </ul>
      <p className="quiet-text">
        Such as{' '}
        {plan.rows.map(({ taskId, orderId }, index) => (
          <span key={taskId}>
            {index > 0 && ', '}
            <Id>{orderId ?? taskId}</Id>
          </span>
        ))}
      </p>
    </section>
  );
}

function Start(props: {
  target: BulkTarget;
  decision: BulkDecision;
  expected: number;
  close: () => void;
}) {
  const { target, decision, expected, close } = props;
  const navigate = useNavigate();
  const [note, setNote] = useState('');
  const [ratePerSecond, setRate] = useState(20);
  const { label, does, isDrastic } = decisionWord(decision);
  const starting = useMutation({
    mutationFn: () =>
      api.startBulk({ ...target, decision, note: note.trim(), ratePerSecond, expected }),
    onSuccess: async ({ bulkId }) => {
      close();
      void refresh('bulk', 'tasks');
      await navigate({ to: '/bulk/$bulkId', params: { bulkId: String(bulkId) } });
    },
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (note.trim() !== '' && !starting.isPending) starting.mutate();
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      <p className="quiet-text">
        {does} The first three go alone: where one of them fails, no other is touched.
      </p>
      <Textarea
        label="Note: why, for those who read it later"
        required
        maxLength={2_000}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
        onKeyDown={submitByKey}
        autoFocus
      />
      <NumberInput
        label="Tasks per second, at most"
        min={1}
        max={200}
        value={ratePerSecond}
        onChange={(value) => setRate(Number(value) || 1)}
        className={classes.rate}
      />
      {starting.error && <ProblemNote error={starting.error} />}
      <div className={classes.buttons}>
        <Button variant="default" onClick={close}>
          Leave it
        </Button>
        <Button
          type="submit"
          color={isDrastic ? 'red' : undefined}
          loading={starting.isPending}
          disabled={note.trim() === ''}
        >
          {label}: {counted(expected, 'task')}
        </Button>
      </div>
    </form>
  );
}
