import { Fragment } from 'react';
import type { OrderTimeline, TimelineItem } from '../../api/contract';
import { absolute, clock, inWords } from '../time';
import { EntryText } from './entry-text';
import { drawnOf, LANES, type Drawn } from './story';
import classes from './timeline.module.css';

/** From how long on a pause is told, in ms. */
const PAUSE_MS = 20_000;

/** An order's story as a picture: time goes down, and each party has a lane. */
export function TimelinePicture({ timeline }: { timeline: OrderTimeline }) {
  const { entries, notKnown, isFinal } = timeline;
  return (
    <div className={classes.picture}>
      <div className={classes.heads} aria-hidden="true">
        <span />
        <div className={classes.lanes}>
          {LANES.map((lane) => (
            <span key={lane}>{lane}</span>
          ))}
        </div>
      </div>
      <ol className={classes.entries} data-final={isFinal || undefined}>
        {entries.map((entry, index) => (
          <Fragment key={`${entry.at}/${entry.what}/${index}`}>
            <Pause before={entries[index - 1]} entry={entry} />
            <Entry entry={entry} />
          </Fragment>
        ))}
      </ol>
      {notKnown.length > 0 && <p className={classes.notKnown}>Not known: {notKnown.join('; ')}</p>}
    </div>
  );
}

function Pause({ before, entry }: { before?: TimelineItem; entry: TimelineItem }) {
  const pauseMs = before ? Date.parse(entry.at) - Date.parse(before.at) : 0;
  if (pauseMs < PAUSE_MS) return null;
  return (
    <li className={classes.pause}>
      <span />
      <Lanes />
      <span>{inWords(pauseMs)} later</span>
    </li>
  );
}

function Entry({ entry }: { entry: TimelineItem }) {
  return (
    <li className={classes.entry}>
      <time dateTime={entry.at} title={`${absolute(entry.at)} (${entry.at}), from ${entry.from}`}>
        {clock(entry.at)}
      </time>
      <Lanes drawn={drawnOf(entry)} />
      <div className={classes.text}>
        <EntryText entry={entry} />
      </div>
    </li>
  );
}

/** Where a lane is, in percent of all lanes' width. */
function place(lane: Drawn['from']): number {
  return ((LANES.indexOf(lane) + 0.5) / LANES.length) * 100;
}

function Lanes({ drawn }: { drawn?: Drawn }) {
  return (
    <div className={classes.drawing} aria-hidden="true">
      {LANES.map((lane) => (
        <i key={lane} />
      ))}
      {drawn && (
        <svg height="22" data-tone={drawn.tone}>
          {drawn.to && <Arrow from={place(drawn.from)} to={place(drawn.to)} />}
          <circle cx={`${place(drawn.from)}%`} cy="11" r={drawn.to ? 3 : 5} />
        </svg>
      )}
    </div>
  );
}

function Arrow({ from, to }: { from: number; to: number }) {
  return (
    <>
      <line x1={`${from}%`} x2={`${to}%`} y1="11" y2="11" />
      <svg x={`${to}%`} y="11" overflow="visible">
        <path d={to > from ? 'M-8 -4L-1 0L-8 4z' : 'M8 -4L1 0L8 4z'} />
      </svg>
    </>
  );
}
