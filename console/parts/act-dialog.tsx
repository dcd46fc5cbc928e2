import { Button, Modal, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import { submitByKey } from './keys';
import { ProblemNote } from './notices';
import classes from './act-dialog.module.css';

/** Asks why somebody does something, and does it; what is refused is said here. */
export function ActDialog(props: {
  title: string;
  /** What it does, and what else is to be said. */
  children?: ReactNode;
  /** What the button says. */
  action: string;
  isDrastic?: boolean;
  act: (note: string) => Promise<unknown>;
  close: () => void;
}) {
  const { title, children, action, isDrastic = false, act, close } = props;
  const [note, setNote] = useState('');
  const doing = useMutation({ mutationFn: () => act(note.trim()), onSuccess: close });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (note.trim() !== '' && !doing.isPending) doing.mutate();
  };
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} className={classes.form}>
        {children}
        <Textarea
          label="Note: why, for those who read it later"
          required
          maxLength={2_000}
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
          onKeyDown={submitByKey}
          data-autofocus
        />
        {doing.error && <ProblemNote error={doing.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
          <Button
            type="submit"
            color={isDrastic ? 'red' : undefined}
            loading={doing.isPending}
            disabled={note.trim() === ''}
          >
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
