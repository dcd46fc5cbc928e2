import { decisionsFor } from './decisions';
import { defined } from './defined';
import { GUIDANCE } from './guidance';
import type { WhyFacts, WhyTask } from './why-facts';
import { onItsWay } from './why-on-its-way';
import { queueClauses, type Reason, type TimeWriter, type Why } from './why-reason';

/**
 * Says why an order stands where it does: what it waits for, since when, what happens next and when, and
 * what one can do.
 *
 * @param at how the paragraph names a time. @default ISO 8601
 */
export function explainOrder(facts: WhyFacts, at: TimeWriter = (iso) => iso): Why {
  const { orderId, order, view, notKnown } = facts;
  const status = order === null ? null : (order?.status ?? view?.status);
  const { clauses, ...reason } = reasonOf(facts, at);
  const dead = facts.openDeadLetters;
  const all = [
    ...clauses,
    ...(dead > 0 ? [`${dead} dead ${dead === 1 ? 'letter is' : 'letters are'} open about it`] : []),
    ...notKnown.map((what) => `not known: ${what}`),
    ...(reason.youCan.length > 0 ? [`you can: ${reason.youCan.join(', ')}`] : []),
  ];
  return {
    orderId,
    ...(status !== undefined && { status }),
    ...reason,
    notKnown,
    text: `${all.join('; ')}.`,
  };
}

/** The clauses about an open human task, which its own details in the Web UI have, too. */
export function taskClauses(
  task: Omit<WhyTask, 'taskId'>,
  at: TimeWriter = (iso) => iso,
): string[] {
  const { escalationReason, openedAt, dueAt, overdueAt, claimedBy, claimedUntil, snoozedUntil } =
    task;
  return [
    `waiting for a person since ${at(openedAt)} (${escalationReason})`,
    ...(dueAt ? [`due ${at(dueAt)}${overdueAt ? `, overdue ${at(overdueAt)}` : ''}`] : []),
    ...(claimedBy
      ? [`${claimedBy} looks at it${claimedUntil ? ` until ${at(claimedUntil)}` : ''}`]
      : []),
    ...(snoozedUntil ? [`snoozed until ${at(snoozedUntil)}`] : []),
  ];
}

function reasonOf(facts: WhyFacts, at: TimeWriter): Reason {
  const { order, view, tasks } = facts;
  if (order?.erasedAt) {
    const clause = `waiting for nothing: it is ${order.status}, and its personal data was erased ${at(order.erasedAt)}`;
    return { waitsFor: 'nothing', since: order.erasedAt, youCan: [], clauses: [clause] };
  }
  if (tasks.length > 0) return waitsForPerson(facts, at);
  if (order === null) return rowLost(facts, at);
  const status = order?.status ?? view?.status;
  if (status === undefined) return nobodySaid(facts);
  const isFinal = status === 'dispatched' || status === 'cancelled';
  if (isFinal && !facts.owner.attempt) return final(facts, at);
  return onItsWay(facts, at);
}

function waitsForPerson(facts: WhyFacts, at: TimeWriter): Reason {
  const { tasks, order, owner } = facts;
  const [first] = tasks;
  const decisions = tasks.flatMap(({ escalationReason }) => decisionsFor(escalationReason));
  const guided = tasks.map((task) => ({ ...task, guidance: GUIDANCE[task.escalationReason] }));
  return {
    waitsFor: 'person',
    ...(first && { since: first.openedAt }),
    tasks: guided,
    youCan: [...new Set(decisions)],
    clauses: [
      ...guided.flatMap((task) => [
        ...taskClauses(task, at),
        `it means: ${task.guidance.means.replace(/\.$/, '')}`,
        `check first: ${task.guidance.checkFirst.replace(/\.$/, '')}`,
        `usual decision: ${task.guidance.usualDecision.replace(/\.$/, '')}`,
      ]),
      ...(order === null ? ['the order database has no row of it'] : []),
      ...(order?.rejectionCode ? [`rejected with ${order.rejectionCode}`] : []),
      ...(owner.state === 'gone' || owner.state === 'ended'
        ? ['no workflow waits for the decision: reconcile it first']
        : []),
      ...queueClauses(facts),
    ],
  };
}

function rowLost(facts: WhyFacts, at: TimeWriter): Reason {
  const { owner } = facts;
  if (owner.quickPathSince) {
    return {
      waitsFor: 'workflow',
      since: owner.quickPathSince,
      youCan: ['wait'],
      clauses: [`being recorded since ${at(owner.quickPathSince)}: its workflow has just begun`],
    };
  }
  const lost = 'the order database has no row of it';
  if (owner.state === 'running') {
    const going = onItsWay(facts, at);
    return { ...going, clauses: [lost, 'its next step records it again', ...going.clauses] };
  }
  return {
    waitsFor: 'nobody',
    youCan: ['reconcile'],
    clauses: [
      `waiting for a reconciliation: ${lost}`,
      'it comes back from the copy of its request, where there is one',
    ],
  };
}

function nobodySaid({ owner }: WhyFacts): Reason {
  return {
    waitsFor: 'notKnown',
    youCan: [],
    clauses: [
      owner.state === 'running'
        ? 'its workflow runs, and nobody could say where it stands'
        : 'nobody could say where it stands',
    ],
  };
}

function final(facts: WhyFacts, at: TimeWriter): Reason {
  const { order, view, closedByAnswerAt, owner, answer } = facts;
  const { status, courierId, dispatchedBy, rejectionCode } = order ?? view ?? {};
  const by = order?.decidedBy ?? view?.resolvedBy ?? undefined;
  const accepted = answer?.outcome === 'accepted' ? answer.receivedAt : undefined;
  const since = accepted ?? order?.updatedAt;
  const when = since ? ` at ${at(since)}` : '';
  if (status === 'dispatched') {
    const who = order?.courierSentBy ?? by ?? 'a person';
    const how =
      dispatchedBy === 'person'
        ? `by ${who}, who marked it as dispatched`
        : closedByAnswerAt
          ? `by a late acceptance, which closed its human task ${at(closedByAnswerAt)}`
          : 'by an acknowledgement';
    return {
      waitsFor: 'nothing',
      ...defined({ since }),
      youCan: ['cancel'],
      clauses: [`waiting for nothing: dispatched with courier ${courierId}${when}, ${how}`],
    };
  }
  const how =
    by !== undefined
      ? `${by} cancelled it`
      : rejectionCode !== undefined
        ? `the dispatch system rejected it (${rejectionCode})`
        : 'it was withdrawn';
  const withdrawn = by !== undefined && owner.state !== 'running' ? ', and it was withdrawn' : '';
  return {
    waitsFor: 'nothing',
    ...defined({ since }),
    youCan: [],
    clauses: [`waiting for nothing: cancelled${when}: ${how}${withdrawn}`],
  };
}
