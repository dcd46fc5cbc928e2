import { nextAttemptAt, policyEnd } from './attempt-times';
import { defined } from './defined';
import type { WhyFacts } from './why-facts';
import { queueClauses, type Reason, type TimeWriter } from './why-reason';

/** Why an order that is not final, or that still takes its request back, stands where it does. */
export function onItsWay(facts: WhyFacts, at: TimeWriter): Reason {
  const { owner, order, view, answer } = facts;
  const status = order?.status ?? view?.status ?? 'placed';
  const youCan = status === 'placed' || status === 'escalated' ? ['wait', 'cancel'] : ['wait'];
  const since = order?.updatedAt;
  if (owner.state === 'gone' || owner.state === 'ended') {
    const why =
      owner.state === 'gone'
        ? 'Temporal has no workflow of it'
        : `its workflow has ended (${(owner.endedAs ?? 'COMPLETED').toLowerCase()})`;
    return {
      waitsFor: 'nobody',
      ...defined({ since }),
      youCan: ['reconcile'],
      clauses: [
        `waiting for a reconciliation: it is ${status}, and ${why}`,
        'the hourly sweep finds it',
      ],
    };
  }
  if (facts.hold && status === 'placed') return onHold(facts.hold, at, youCan);
  if (owner.attempt) return onAttempt(facts, at, youCan);
  if (owner.withoutWorkerSince) {
    return {
      waitsFor: 'worker',
      since: owner.withoutWorkerSince,
      youCan: ['start a worker', ...youCan],
      clauses: [`waiting for a worker since ${at(owner.withoutWorkerSince)}: it is ${status}`],
    };
  }
  if (status === 'placed' && answer?.outcome === 'rejected' && answer.retryAfterMs !== undefined) {
    const next = new Date(Date.parse(answer.receivedAt) + answer.retryAfterMs).toISOString();
    return {
      waitsFor: 'nextRequest',
      since: answer.receivedAt,
      nextAttemptAt: next,
      youCan,
      clauses: [
        `waiting for its next request since ${at(answer.receivedAt)}: rejected with ${answer.rejectionCode}, and to be asked again`,
        `next request ${at(next)}`,
        ...(order ? [`must be dispatched by ${at(order.dispatchBy)}`] : []),
      ],
    };
  }
  if (owner.quickPathSince && order?.policy.quickWindowMs !== 0) {
    return {
      waitsFor: 'acknowledgement',
      since: owner.quickPathSince,
      youCan,
      clauses: [
        `waiting for an acknowledgement on the quick path since ${at(owner.quickPathSince)}`,
        'where none comes within its window, the durable path goes on',
        ...queueClauses(facts),
      ],
    };
  }
  const isKnown = owner.state === 'running';
  return {
    waitsFor: isKnown ? 'workflow' : 'notKnown',
    ...defined({ since }),
    youCan,
    clauses: [
      isKnown
        ? `it is ${status}, and its workflow takes the next step`
        : `it is ${status}${since ? `, since ${at(since)} at the latest` : ''}`,
      ...(order && status === 'placed' ? [`must be dispatched by ${at(order.dispatchBy)}`] : []),
    ],
  };
}

function onHold(hold: NonNullable<WhyFacts['hold']>, at: TimeWriter, youCan: string[]): Reason {
  const { heldAt, heldBy, note, isReleased } = hold;
  return {
    waitsFor: 'release',
    since: heldAt,
    youCan: isReleased ? youCan : ['release', ...youCan],
    clauses: [
      `waiting for its release since ${at(heldAt)}: ${heldBy} holds all requests (${note})`,
      isReleased
        ? 'a release is under way, and it is on its list'
        : 'no attempt is used up and no deadline passes meanwhile',
    ],
  };
}

function onAttempt(facts: WhyFacts, at: TimeWriter, youCan: string[]): Reason {
  const { owner, order, now } = facts;
  const { attempt } = owner;
  if (!attempt) throw new Error('there is no attempt');
  const { kind, number, of, confirmedAt, waitsFor, startedAt, scheduledAt, lastFailure } = attempt;
  const policy = order?.policy;
  const answerName = kind === 'request' ? 'an acknowledgement' : "its withdrawal's answer";
  // A worker's shutdown begins the activity anew, with the attempts that are left.
  const used = policy ? Math.max(0, policy.maximumAttempts - of) : 0;
  const counted = { number: used + number, of: used + of };
  const which = `(attempt ${counted.number} of ${counted.of})`;
  const next = policy && nextAttemptAt(attempt, policy);
  const ends = policy ? policyEnd(attempt, policy) : attempt.endsAt;
  const after = [
    ...(kind === 'withdrawal' && order?.status === 'dispatched'
      ? [`${order.courierSentBy ?? 'a person'} dispatched it, and no second courier may come`]
      : []),
    ...(lastFailure ? [`the attempt before failed: ${lastFailure}`] : []),
    ...queueClauses(facts),
    ...(next && Date.parse(next) > Date.parse(now) ? [`next attempt ${at(next)}`] : []),
    ...(ends ? [`escalates ${at(ends)}`] : []),
  ];
  const shared = {
    attempt: counted,
    ...defined({ confirmedAt, nextAttemptAt: next, escalatesAt: ends }),
    youCan,
  };
  if (startedAt === undefined) {
    const isPause = scheduledAt !== undefined && Date.parse(scheduledAt) > Date.parse(now);
    return {
      ...shared,
      waitsFor: isPause ? 'nextAttempt' : 'worker',
      ...defined({ since: scheduledAt && !isPause ? scheduledAt : undefined }),
      clauses: [
        isPause
          ? `waiting for the next attempt ${at(scheduledAt)} ${which}: no ${kind === 'request' ? 'acknowledgement' : 'answer'} came to the one before`
          : `waiting for a worker${scheduledAt ? ` since ${at(scheduledAt)}` : ''} ${which}`,
        ...after.filter((clause) => !clause.startsWith('next attempt')),
      ],
    };
  }
  if (waitsFor !== undefined || confirmedAt === undefined) {
    const what = waitsFor === 'database' ? 'the order database' : 'RabbitMQ';
    return {
      ...shared,
      waitsFor: waitsFor ?? 'broker',
      since: startedAt,
      clauses: [
        waitsFor
          ? `waiting for ${what} since ${at(startedAt)} ${which}: it is away or blocks, which uses up no attempt`
          : `waiting for RabbitMQ to confirm the ${kind} since ${at(startedAt)} ${which}`,
        ...after.filter((clause) => !clause.startsWith('next attempt')),
      ],
    };
  }
  return {
    ...shared,
    waitsFor: kind === 'request' ? 'acknowledgement' : 'withdrawalAnswer',
    since: confirmedAt,
    clauses: [
      `waiting for ${answerName} since ${at(confirmedAt)} ${which}`,
      `confirmed by the broker ${at(confirmedAt)}`,
      ...after,
    ],
  };
}
