import { Link } from '@tanstack/react-router';
import classes from './page.module.css';

/** Leads through a list that has more rows than a page shows. */
export function PageLinks({ after, next }: { after?: string; next?: string | null }) {
  return (
    <div className={classes.pages}>
      {after !== undefined && (
        <Link to="." search={(before) => ({ ...before, after: undefined })}>
          First page
        </Link>
      )}
      {next != null && (
        <Link to="." search={(before) => ({ ...before, after: next })}>
          Next page
        </Link>
      )}
    </div>
  );
}
