import { isGrpcServiceError, type Client, type WorkflowHandle } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { optionalTsToMs } from '@temporalio/common/lib/time';
import { defined } from '../domain/defined';
import type { Interruption, RequestDetails } from '../domain/interruption';
import { requestIdOf, withdrawalIdOf } from '../domain/request-id';
import { readAcknowledged } from '../domain/signals';
import { SIGNALS } from '../domain/temporal-names';
import type { EscalationReason } from '../domain/status';
import type { TimelineEntry } from '../domain/timeline';
import { workflowIdsOf } from './order-workflows';

/** Runs of one workflow that are read, each continued from the one before. */
const MOST_RUNS = 20;

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type Event = NonNullable<History['events']>[number];
type Told = Omit<TimelineEntry, 'from'>;
type Decode = (payloads: unknown) => Promise<unknown[]>;

/** What Temporal's histories tell of an order. */
export interface ToldTimeline {
  entries: TimelineEntry[];
  /** Whether Temporal has a history of it at all. */
  isKnown: boolean;
}

/** Reads the few facts of an order's histories that its rows do not have, and those that they have. */
export async function readHistoryTimeline(
  temporal: Client,
  orderId: string,
): Promise<ToldTimeline> {
  const decode: Decode = (payloads) =>
    decodeArrayFromPayloads(temporal.options.loadedDataConverter, payloads as never);
  const histories = await Promise.all(
    workflowIdsOf(orderId).map((workflowId) => readRuns(temporal, workflowId)),
  );
  const events = histories.flat(2);
  const told = await Promise.all(events.map((event) => entriesOf(event, { orderId, decode })));
  return {
    entries: told.flat().map((entry) => ({ ...entry, from: 'temporal' })),
    isKnown: events.length > 0,
  };
}

/** The events of a workflow's runs, the newest run first. */
async function readRuns(temporal: Client, workflowId: string): Promise<Event[][]> {
  const runs: Event[][] = [];
  let runId: string | undefined;
  do {
    const handle = temporal.workflow.getHandle(workflowId, runId);
    const events = await eventsOf(handle);
    runs.push(namedActivities(events));
    runId = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  } while (runId !== '' && runs.length < MOST_RUNS);
  return runs;
}

async function eventsOf(handle: WorkflowHandle): Promise<Event[]> {
  try {
    return (await handle.fetchHistory()).events ?? [];
  } catch (error) {
    // The server's own word: the SDK has no class for it here. A namespace can be missing, too.
    if (isGrpcServiceError(error) && /workflow .*not found/i.test(error.message)) return [];
    throw error;
  }
}

/**
 * Those events that end an activity, with how that was scheduled: they name it by a number only. And local
 * activities at the time at which their workflow task began: the event itself is written at its end.
 */
function namedActivities(events: Event[]): Event[] {
  const scheduled = new Map(events.map((event) => [String(event.eventId), event]));
  const find = (id: Event['eventId']) => (id == null ? undefined : scheduled.get(String(id)));
  return events.map((event) => {
    const { markerRecordedEventAttributes: marker } = event;
    if (marker) {
      const ended = find(marker.workflowTaskCompletedEventId);
      const begun = find(ended?.workflowTaskCompletedEventAttributes?.startedEventId);
      return begun ? { ...event, eventTime: begun.eventTime ?? null } : event;
    }
    const {
      activityTaskStartedEventAttributes: started,
      activityTaskTimedOutEventAttributes: out,
    } = event;
    const id = started?.scheduledEventId ?? out?.scheduledEventId;
    const by = find(id);
    return by?.activityTaskScheduledEventAttributes
      ? {
          ...event,
          activityTaskScheduledEventAttributes: by.activityTaskScheduledEventAttributes,
        }
      : event;
  });
}

async function entriesOf(
  event: Event,
  given: { orderId: string; decode: Decode },
): Promise<Told[]> {
  const at = new Date(optionalTsToMs(event.eventTime) ?? 0).toISOString();
  const {
    workflowExecutionStartedEventAttributes: started,
    workflowExecutionSignaledEventAttributes: signaled,
    workflowExecutionCompletedEventAttributes: completed,
    workflowExecutionTerminatedEventAttributes: terminated,
    workflowExecutionFailedEventAttributes: failed,
    activityTaskScheduledEventAttributes: activity,
    markerRecordedEventAttributes: marker,
  } = event;
  if (started) {
    const isFirst = !started.continuedExecutionRunId;
    return isFirst && started.workflowType?.name === 'dispatchOrder'
      ? [{ at, what: 'placed' }]
      : [];
  }
  if (signaled?.signalName === SIGNALS.acknowledged) {
    return ofAnswer(await given.decode(signaled.input?.payloads), at);
  }
  if (completed) return ofResult(await given.decode(completed.result?.payloads), at);
  if (terminated) return [{ at, what: 'workflowEnded', how: 'terminated' }];
  if (failed) {
    return [{ at, what: 'workflowEnded', how: `failed: ${failed.failure?.message ?? ''}` }];
  }
  if (marker) return ofSubmission(marker.details, { ...given, at });
  if (activity) return ofActivity(event, { ...given, at });
  return [];
}

function ofAnswer([argument]: unknown[], at: string): Told[] {
  const signal = readAcknowledged(argument);
  if (!signal) return [];
  const { requestId, outcome, courierId, rejectionCode, receivedAt } = signal.answer;
  const facts = defined({ courierId, rejectionCode });
  return [
    {
      at: receivedAt ?? at,
      what: 'acknowledged',
      requestId,
      outcome,
      ...facts,
      class: signal.class,
    },
  ];
}

function ofResult([result]: unknown[], at: string): Told[] {
  const { status, done, rule, courierId, rejectionCode } = (result ?? {}) as Partial<
    Record<string, string>
  >;
  if (status === 'dispatched' || status === 'cancelled') {
    return [{ at, what: status, ...defined({ courierId, rejectionCode }) }];
  }
  if (done === undefined || done === 'nothing') return [];
  return [{ at, what: 'repaired', done, ...defined({ found: rule }) }];
}

/** The quick path's request, of the local activity `submitOrder`. */
async function ofSubmission(
  details: Record<string, { payloads?: unknown }> | null | undefined,
  { orderId, decode, at }: { orderId: string; decode: Decode; at: string },
): Promise<Told[]> {
  const [submission] = (await decode(details?.['result']?.payloads)) as [
    { order?: { requestNumber?: number; attempts?: number }; confirmedAt?: string }?,
  ];
  const { requestNumber, attempts } = submission?.order ?? {};
  if (requestNumber === undefined || !attempts) return [];
  const requestId = requestIdOf(orderId, requestNumber);
  const { confirmedAt } = submission ?? {};
  return [
    { at: confirmedAt ?? at, what: 'requested', requestId, attempt: 1 },
    ...(confirmedAt === undefined
      ? []
      : [{ at: confirmedAt, what: 'confirmed' as const, requestId }]),
  ];
}

async function ofActivity(
  event: Event,
  { orderId, decode, at }: { orderId: string; decode: Decode; at: string },
): Promise<Told[]> {
  const { activityType, input } = event.activityTaskScheduledEventAttributes ?? {};
  const [given] = (await decode(input?.payloads)) as [ActivityInput?];
  const name = activityType?.name ?? '';
  if (name === 'requestDispatch' || name === 'requestWithdrawal') {
    const requestId =
      name === 'requestDispatch'
        ? requestIdOf(orderId, given?.requestNumber ?? 1)
        : withdrawalIdOf(orderId);
    const isOut = given?.confirmedAt !== undefined;
    const attempts = given?.interrupted?.attempts ?? 0;
    return ofRequest(event, { requestId, at, isOut, attempts, decode });
  }
  // What changes the row is told where it is asked for, not where an attempt of it begins or ends.
  if (event.activityTaskStartedEventAttributes || event.activityTaskTimedOutEventAttributes)
    return [];
  const when = given?.at ?? at;
  const escalationReason = ESCALATES[name] ?? given?.escalationReason;
  if (escalationReason) return [{ at: when, what: 'escalated', escalationReason }];
  if (given?.resolution) return [{ at: when, what: 'resolved', ...wordsOf(given.resolution) }];
  if (name === 'startCancellation') {
    const asked = { decision: 'cancel', ...given?.request };
    return [{ at: when, what: 'cancellationAsked', ...wordsOf(asked) }];
  }
  return [];
}

/** What the activities of an order's workflow take, as far as it is told. */
interface ActivityInput {
  at?: string;
  requestNumber?: number;
  confirmedAt?: string;
  /** What a worker's shutdown left of the activity before. */
  interrupted?: Partial<Interruption>;
  escalationReason?: EscalationReason;
  resolution?: Words;
  request?: Words;
}

type Words = Pick<TimelineEntry, 'decision' | 'actor' | 'note' | 'via'>;

/** Those that escalate for one reason only. */
const ESCALATES: Readonly<Record<string, EscalationReason>> = {
  escalateWithdrawal: 'withdrawalFailed',
  escalateCallOff: 'courierToCallOff',
};

function wordsOf({ decision, actor, note, via }: Words): Words {
  return defined({ decision, actor, note, via });
}

async function ofRequest(
  event: Event,
  given: { requestId: string; at: string; isOut: boolean; attempts: number; decode: Decode },
): Promise<Told[]> {
  const { requestId, at, isOut, attempts, decode } = given;
  const {
    activityTaskStartedEventAttributes: started,
    activityTaskTimedOutEventAttributes: timedOut,
  } = event;
  if (timedOut) {
    const info = timedOut.failure?.timeoutFailureInfo;
    const [details] = (await decode(info?.lastHeartbeatDetails?.payloads)) as [
      Partial<RequestDetails>?,
    ];
    const confirmedAt = details?.confirmedAt;
    return confirmedAt === undefined ? [] : [{ at: confirmedAt, what: 'confirmed', requestId }];
  }
  if (started) {
    // The first one is told by its schedule.
    const attempt = started.attempt ?? 1;
    return attempt > 1 ? [{ at, what: 'requested', requestId, attempt: attempts + attempt }] : [];
  }
  return isOut ? [] : [{ at, what: 'requested', requestId, attempt: attempts + 1 }];
}
