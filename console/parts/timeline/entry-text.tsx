import type { ReactNode } from 'react';
import type { TimelineItem } from '../../api/contract';
import { Id } from '../ids';
import { decisionWord, reasonWord, spaced } from '../words';

/** An entry in words. */
export function EntryText({ entry }: { entry: TimelineItem }) {
  const { note, actor, via } = entry;
  return (
    <>
      <span>
        {headOf(entry)}
        {actor !== undefined && entry.what !== 'acted' && (
          <>
            {' '}
            by <b>{actor}</b>
            {via ? ` (${via})` : ''}
          </>
        )}
      </span>
      {note !== undefined && <q>{note}</q>}
    </>
  );
}

function headOf(entry: TimelineItem): ReactNode {
  const { requestId, attempt, courierId, rejectionCode } = entry;
  const request = requestId === undefined ? null : <Id>{requestId}</Id>;
  const courier = courierId === undefined ? null : <Id>{courierId}</Id>;
  switch (entry.what) {
    case 'placed':
      return 'Placed';
    case 'requested':
      return (
        <>
          Request {request} sent, attempt {attempt}
        </>
      );
    case 'confirmed':
      return <>The broker has {request}</>;
    case 'acknowledged':
      return (
        <>
          <b>{spaced(entry.outcome ?? 'answered')}</b>: {request}
          {courier && <>, courier {courier}</>}
          {rejectionCode !== undefined && `, ${spaced(rejectionCode)}`}
          {entry.class !== undefined && entry.class !== 'first' && ` (${entry.class}: not applied)`}
        </>
      );
    case 'deadLettered':
      return (
        <>
          {request} became a dead letter: {entry.deadLetterReason}
        </>
      );
    case 'escalated':
      return (
        <b>A person is asked: {reasonWord(entry.escalationReason ?? '').text.toLowerCase()}</b>
      );
    case 'resolved':
      return <b>Decided: {decisionWord(entry.decision ?? '').label.toLowerCase()}</b>;
    case 'cancellationAsked':
      return <b>Cancellation asked for</b>;
    case 'taskClosed':
      return `The task closed by ${entry.closedBy === 'answer' ? 'an answer' : 'a cancellation'}`;
    case 'acted':
      return (
        <>
          <b>{actorOf(entry)}</b>: {spaced(entry.act ?? '')}
        </>
      );
    case 'dispatched':
      return (
        <>
          <b>Dispatched</b> with courier {courier ?? 'not recorded'}
        </>
      );
    case 'cancelled':
      return (
        <>
          <b>Cancelled</b>
          {rejectionCode === undefined ? ', no courier comes' : `: ${spaced(rejectionCode)}`}
        </>
      );
    case 'repaired':
      return (
        <>
          Repair: <b>{spaced(entry.done ?? '')}</b>
          {entry.found !== undefined && `, since ${entry.found}`}
        </>
      );
    case 'workflowEnded':
      return `Its workflow ended: ${entry.how}`;
    case 'erased':
      return 'Its personal data was erased';
  }
}

function actorOf({ actor }: TimelineItem): string {
  return actor ?? 'somebody';
}
