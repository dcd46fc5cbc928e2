import { Button } from '@mantine/core';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import type { TaskDetail } from '../../api/contract';
import { useKeys } from '../../parts/keys';
import { Prose } from '../../parts/prose';
import { SchemaFields, type Values } from '../../parts/schema-form';
import { StatusText } from '../../parts/status';
import { decisionWord } from '../../parts/words';
import { useSession } from '../../session/session';
import { decide, keyOf, useDeciding, type Deciding } from './deciding';
import classes from './decide.module.css';

/** What can be decided, each as a form of its own; and what became of it. */
export function Decide({ detail, isDeciding }: { detail: TaskDetail; isDeciding: boolean }) {
  const { task, decisions } = detail;
  const { mayAct } = useSession();
  const made = useDeciding().get(keyOf(task));
  const [chosen, choose] = useState<string>();
  const [values, setValues] = useState<Values>({});
  const form = useRef<HTMLFormElement>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const begin = () =>
    buttons.current?.querySelector<HTMLElement>('[aria-pressed=true], button')?.focus();
  useKeys({ r: begin });
  useEffect(() => {
    if (isDeciding) begin();
  }, [isDeciding]);

  if (made?.state === 'deciding' || made?.state === 'decided') return <Outcome made={made} />;
  if (!mayAct) return null;
  if (decisions.length === 0) {
    // With why it was refused, where somebody else was quicker.
    if (made) return <Outcome made={made} />;
    return (
      <p className={classes.none}>
        There is nothing to decide: once its cause is mended, the task closes by itself.
      </p>
    );
  }
  const schema = decisions.find(({ decision }) => decision === chosen)?.schema;
  const word = chosen === undefined ? undefined : decisionWord(chosen);
  const open = (decision: string) => {
    choose(decision === chosen ? undefined : decision);
    // Once it is there.
    requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('input, textarea, select')?.focus(),
    );
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (chosen === undefined || !schema) return;
    // What another decision's form had is not this one's.
    const own = Object.entries(values).filter(([name]) => name in (schema.properties ?? {}));
    void decide(task, chosen, Object.fromEntries(own));
  };
  return (
    <section className={classes.decide} aria-label="Decide">
      {made && <Outcome made={made} />}
      <div className={classes.choices} ref={buttons}>
        {decisions.map(({ decision }) => (
          <button
            key={decision}
            type="button"
            className={classes.choice}
            aria-pressed={decision === chosen}
            onClick={() => open(decision)}
          >
            {decisionWord(decision).label}
          </button>
        ))}
      </div>
      {schema && word && (
        <form ref={form} onSubmit={submit} className={classes.form}>
          <p>{word.does}</p>
          <SchemaFields schema={schema} values={values} onChange={setValues} />
          <div className={classes.send}>
            <Button type="submit" color={word.isDrastic ? 'red' : undefined}>
              {word.label}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}

function Outcome({ made }: { made: Deciding }) {
  const { label } = decisionWord(made.decision);
  switch (made.state) {
    case 'deciding':
      return (
        <p className={classes.outcome} role="status" data-tone="busy">
          Deciding: {label.toLowerCase()} …
          {made.isLong && ' It was taken, and takes a while: this page need not stay open.'}
        </p>
      );
    case 'decided':
      return (
        <p className={classes.outcome} role="status" data-tone="good">
          Decided: {label.toLowerCase()}.
          {made.status && (
            <>
              {' '}
              The order is now <StatusText status={made.status} />
            </>
          )}
        </p>
      );
    case 'refused':
      return (
        <p className={classes.outcome} role="alert" data-tone="bad">
          Refused: <Prose text={made.why} />
        </p>
      );
    case 'notKnown':
      return (
        <p className={classes.outcome} role="alert" data-tone="warn">
          Not known whether it was taken: <Prose text={made.why} /> The same again is safe.
        </p>
      );
  }
}
