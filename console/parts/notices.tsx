import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Prose } from './prose';
import classes from './notices.module.css';

/** Nothing to show, and what that means. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What the API refused or could not do, in its words. */
export function ProblemNote({ error, retry }: { error: Error; retry?: () => unknown }) {
  return (
    <div className={classes.problem} role="alert">
      <span>
        <Prose text={error.message} />
      </span>
      {retry && (
        <Button size="compact-xs" variant="default" onClick={() => void retry()}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** What is being read just now. */
export function Reading({ what }: { what: string }) {
  return (
    <div className={classes.reading} role="status">
      Reading {what} …
    </div>
  );
}
