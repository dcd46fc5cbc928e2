import type {
  AuditRow,
  AuthKind,
  BulkDetail,
  BulkOverview,
  BulkPlanned,
  BulkTarget,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterShown,
  DeadLetterTarget,
  Discarded,
  HealthAnswer,
  HealthPoint,
  HoldAnswer,
  OrderDetail,
  OrderMessages,
  OrderPage,
  OrderTimeline,
  ProblemBody,
  RepairRow,
  Replay,
  Resolved,
  Session,
  TaskDetail,
  TaskFilter,
  TaskPage,
  TaskRow,
  WhyAnswer,
} from './contract';

/** What the API refused or could not do; the message is for people. */
export class Problem extends Error {
  readonly status: number;
  /** Stable; `Unreachable` where nobody answered. */
  readonly code: string;
  readonly auth: AuthKind | undefined;

  constructor({ status, code, detail, title, auth }: Partial<ProblemBody>) {
    super(detail ?? title ?? 'the desk did not say why');
    this.status = status ?? 0;
    this.code = code ?? 'Unexpected';
    this.auth = auth;
  }
}

type Query = Record<string, string | number | undefined>;

function withQuery(path: string, query: object): string {
  const entries = Object.entries(query as Query).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined && entry[1] !== '',
  );
  const text = new URLSearchParams(
    entries.map(([name, value]) => [name, String(value)]),
  ).toString();
  return text === '' ? path : `${path}?${text}`;
}

async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        // No page of another origin can send it, so no other page acts in this person's name.
        ...(method !== 'GET' && { 'x-requested-with': 'order-dispatch' }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem({ code: 'Unreachable', detail: 'The desk does not answer: is it running?' });
  }
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) return answer as Answer;
  throw new Problem({ status: response.status, title: response.statusText, ...(answer ?? {}) });
}

function parsed(text: string): object | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as object);
  } catch {
    return undefined;
  }
}

const get = <Answer>(path: string, query: object = {}) =>
  ask<Answer>('GET', withQuery(path, query));
const post = <Answer>(path: string, body: unknown = {}) => ask<Answer>('POST', path, body);
const part = encodeURIComponent;

/** The routes of the HTTP API that the console uses. */
export const api = {
  session: () => get<Session>('/v1/session'),
  signIn: (token: string) => post<unknown>('/v1/session', { token }),
  signOut: () => ask<unknown>('DELETE', '/v1/session'),

  tasks: (query: TaskFilter & { limit?: number; after?: string }) =>
    get<TaskPage>('/v1/tasks', query),
  task: (taskId: string) => get<TaskDetail>(`/v1/tasks/${part(taskId)}`),
  claim: (taskId: string, takeOver: boolean) =>
    post<TaskRow>(`/v1/tasks/${part(taskId)}/claim`, { takeOver }),
  release: (taskId: string) => post<unknown>(`/v1/tasks/${part(taskId)}/release`),
  snooze: (taskId: string, until: string) =>
    post<unknown>(`/v1/tasks/${part(taskId)}/snooze`, { until }),
  note: (taskId: string, note: string) => post<unknown>(`/v1/tasks/${part(taskId)}/note`, { note }),
  resolve: (taskId: string, resolution: Record<string, unknown>) =>
    post<Resolved>(`/v1/tasks/${part(taskId)}/resolve`, resolution),

  planBulk: (target: BulkTarget, decision: string) =>
    post<BulkPlanned>('/v1/bulk/plan', { ...target, decision }),
  startBulk: (
    order: BulkTarget & { decision: string; note: string; ratePerSecond: number; expected: number },
  ) => post<{ bulkId: number }>('/v1/bulk', order),
  bulkRuns: () => get<{ runs: BulkOverview[] }>('/v1/bulk'),
  bulk: (bulkId: number) => get<BulkDetail>(`/v1/bulk/${bulkId}`),
  abortBulk: (bulkId: number, note: string) =>
    post<BulkOverview>(`/v1/bulk/${bulkId}/abort`, { note }),

  orders: (query: object) => get<OrderPage>('/v1/orders', query),
  order: (orderId: string) => get<OrderDetail>(`/v1/orders/${part(orderId)}`),
  timeline: (orderId: string) => get<OrderTimeline>(`/v1/orders/${part(orderId)}/timeline`),
  why: (orderId: string) => get<WhyAnswer>(`/v1/orders/${part(orderId)}/why`),
  messages: (orderId: string) => get<OrderMessages>(`/v1/orders/${part(orderId)}/messages`),
  cancel: (orderId: string, note: string) =>
    post<{ task?: unknown }>(`/v1/orders/${part(orderId)}/cancel`, { note }),
  reconcile: (orderId: string, note: string) =>
    post<unknown>(`/v1/orders/${part(orderId)}/reconcile`, { note }),

  deadLetters: (query: DeadLetterFilter & { limit?: number; after?: string }) =>
    get<DeadLetterPage>('/v1/dead-letters', query),
  deadLetter: (id: string) => get<DeadLetterShown>(`/v1/dead-letters/${part(id)}`),
  countReplay: (target: DeadLetterTarget) =>
    post<{ matched: number }>('/v1/dead-letters/replay', {
      ...target,
      note: 'count',
      dryRun: true,
    }),
  replay: (order: DeadLetterTarget & { note: string; ratePerSecond: number; canary: number }) =>
    post<{ replayId: string }>('/v1/dead-letters/replay', order),
  replayProgress: (replayId: string) => get<Replay>(`/v1/dead-letters/replays/${part(replayId)}`),
  discard: (order: DeadLetterTarget & { note: string; dryRun?: boolean }) =>
    post<Discarded>('/v1/dead-letters/discard', order),

  repairs: (query: object) => get<{ rows: RepairRow[]; next: string | null }>('/v1/repairs', query),
  repair: (id: string) => get<RepairRow>(`/v1/repairs/${part(id)}`),
  audit: (query: object) => get<{ rows: AuditRow[]; next: string | null }>('/v1/audit', query),

  hold: () => get<HoldAnswer>('/v1/hold'),
  startHold: (note: string) => post<unknown>('/v1/hold', { note }),
  releaseHold: (note: string, ratePerSecond: number) =>
    post<unknown>('/v1/hold/release', { note, ratePerSecond }),

  health: () => get<HealthAnswer>('/v1/health'),
  healthHistory: (since: string) =>
    get<{ reports: HealthPoint[] }>('/v1/health/history', { since }),
};
