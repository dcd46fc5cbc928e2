import { Link, useMatchRoute, useSearch } from '@tanstack/react-router';
import { Dot } from '../parts/status';
import { Ago } from '../parts/time';
import { reasonWord } from '../parts/words';
import { useTaskCounts } from './counts';
import classes from './rail.module.css';

/** The inbox's groups, with how many each has and since when the oldest waits; while one is there. */
export function InboxGroups() {
  const isThere = useMatchRoute()({ to: '/inbox' }) !== false;
  const { reason } = useSearch({ strict: false });
  const groups = useTaskCounts().data?.groups ?? [];
  if (!isThere || groups.length === 0) return null;
  return (
    <ul className={classes.groups} aria-label="Open tasks by reason">
      {groups.map(({ escalationReason, count, oldestOpenedAt }) => {
        const { text, tone } = reasonWord(escalationReason);
        const isChosen = reason === escalationReason;
        return (
          <li key={escalationReason}>
            <Link
              to="/inbox"
              search={isChosen ? {} : { reason: escalationReason }}
              className={classes.group}
              data-chosen={isChosen || undefined}
              aria-current={isChosen ? 'true' : undefined}
              title={isChosen ? 'Show all' : `Only ${text.toLowerCase()}`}
            >
              <Dot tone={tone} />
              <span className={classes.groupName}>{text}</span>
              <span className={classes.groupCount}>{count.toLocaleString('en')}</span>
              <span className={classes.groupAge}>
                oldest <Ago at={oldestOpenedAt} bare />
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
