import { reasonWord, statusWord, type Tone } from './words';
import classes from './status.module.css';

/** A coloured dot; a text stands beside it. */
export function Dot({ tone }: { tone: Tone }) {
  return <span className={classes.dot} data-tone={tone} aria-hidden="true" />;
}

/** A status with its dot. */
export function StatusText({ status }: { status: string }) {
  const { text, tone } = statusWord(status);
  return (
    <span className={classes.status} data-tone={tone}>
      <Dot tone={tone} />
      {text}
    </span>
  );
}

/** An escalation reason with its dot. */
export function ReasonText({ reason }: { reason: string }) {
  const { text, tone } = reasonWord(reason);
  return (
    <span className={classes.status}>
      <Dot tone={tone} />
      {text}
    </span>
  );
}
