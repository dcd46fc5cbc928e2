import type { BulkOverview } from '../../api/contract';
import { counted } from '../../parts/words';
import classes from './progress.module.css';

const STATES = ['resolved', 'refused', 'failed', 'skipped', 'pending'] as const;

/** How far a run is: a bar, and the numbers in words. */
export function Progress({
  counts,
  isSmall = false,
}: {
  counts: BulkOverview['counts'];
  isSmall?: boolean;
}) {
  const all = STATES.reduce((sum, state) => sum + counts[state], 0);
  const some = STATES.filter((state) => counts[state] > 0);
  return (
    <div className={classes.progress} data-small={isSmall || undefined}>
      <div className={classes.bar} aria-hidden="true">
        {some.map((state) => (
          <i key={state} data-state={state} style={{ flexGrow: counts[state] }} />
        ))}
      </div>
      <span className={classes.words}>
        {isSmall
          ? `${counts.resolved.toLocaleString('en')} of ${all.toLocaleString('en')}`
          : `${counted(all, 'task')}: ${some.map((state) => `${counts[state].toLocaleString('en')} ${state}`).join(', ')}`}
      </span>
    </div>
  );
}
