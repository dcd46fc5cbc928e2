import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../../api/client';
import type { Replay } from '../../api/contract';
import { Icon } from '../../parts/icons';
import { ProblemNote } from '../../parts/notices';
import { counted, spaced } from '../../parts/words';
import classes from './replay-progress.module.css';

/** How often a replay is looked at while it goes on, in ms. */
const LOOK_EVERY_MS = 1_000;

/** How far a replay is, and what came of it. */
export function ReplayProgressView({ replayId }: { replayId: string }) {
  const { data, error } = useQuery({
    queryKey: ['deadLetters', 'replay', replayId],
    queryFn: () => api.replayProgress(replayId),
    refetchInterval: ({ state }) => (isOver(state.data) ? false : LOOK_EVERY_MS),
  });
  return (
    <div className={classes.replay} role="status">
      {error && <ProblemNote error={error} />}
      {data && <Words replay={data} />}
      <Link
        to="/dead-letters"
        search={(before) => ({ ...before, replay: undefined })}
        aria-label="Hide the replay"
        className={classes.hide}
      >
        <Icon name="close" size={14} />
      </Link>
    </div>
  );
}

function isOver(replay: Replay | undefined): boolean {
  return replay?.report !== undefined || replay?.failed !== undefined;
}

function Words({ replay }: { replay: Replay }) {
  const { progress, report, failed } = replay;
  if (failed !== undefined) return <span>The replay ended: {failed}</span>;
  if (report) {
    const { replayed, matched, cameBack, stopped } = report;
    return (
      <span>
        <b>
          Replayed {replayed.length.toLocaleString('en')} of {counted(matched, 'message')}.
        </b>{' '}
        {cameBack.length > 0 &&
          `${counted(cameBack.length, 'message is', 'messages are')} dead again. `}
        {stopped && `It stopped, ${spaced(stopped.because)}: ${stopped.detail}`}
      </span>
    );
  }
  switch (progress?.kind) {
    case 'replayed':
      return (
        <>
          <progress max={progress.of} value={progress.replayed} aria-label="Replayed" />
          <span>
            Replayed {progress.replayed.toLocaleString('en')} of {progress.of.toLocaleString('en')}
          </span>
        </>
      );
    case 'watching':
      return (
        <span>
          Watching {counted(progress.canaries, 'message')} for {Math.round(progress.watchMs / 1000)}{' '}
          s: do they come back?
        </span>
      );
    case 'waiting':
      return <span>Waiting: {progress.because}</span>;
    case undefined:
      return <span>The replay begins …</span>;
  }
}
