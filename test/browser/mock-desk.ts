/**
 * The HTTP API in memory, with made-up orders: enough of the contract to use every page of the console, at
 * once and without a stack.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type {
  BulkDetail,
  DeadLetterShown,
  HoldRow,
  Replay,
  Role,
  TaskRow,
} from '../../console/api/contract';
import { BULK_CANARY } from '../../domain/bulk';
import { GUIDANCE } from '../../domain/guidance';
import { closedGate } from '../gate';
import {
  ago,
  decisionSchemas,
  someAudit,
  someBulk,
  someDeadLetters,
  someHistory,
  someOrder,
  someOrderRows,
  someRepairs,
  someTask,
  someTasks,
  someTimeline,
} from './desk-data';

/** What the console's pages are served with. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** A desk with made-up orders. */
export interface MockDesk {
  url: string;
  /** Opens one more task, and hints that. */
  openTask: () => TaskRow;
  /** Closes a task as somebody else would, and hints that; or not, as where a hint was lost. */
  closeTask: (taskId: string, options?: { hint: boolean }) => void;
  /** Ends all sessions. */
  endSessions: () => void;
  /** Hints that something changed. */
  hint: (...what: string[]) => void;
  /** Takes no decision. @returns what has them taken. */
  holdDecisions: () => () => void;
  /** What was refused since nobody may do it, by route. */
  forbidden: string[];
  close: () => Promise<void>;
}

class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Opens the desk on a free port.
 *
 * @param given.consoleFolder the built console.
 */
export async function openMockDesk(given: {
  consoleFolder: string;
  tasks?: number;
  port?: number;
  held?: boolean;
}): Promise<MockDesk> {
  const desk = new Desk(given.tasks ?? 10_000, given.held ?? false);
  const server = createServer((request, response) => {
    void serve(desk, given.consoleFolder, request, response);
  });
  await new Promise<void>((resolve) => server.listen(given.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    openTask: () => desk.openTask(),
    closeTask: (taskId, options) => desk.closeTask(taskId, options),
    endSessions: () => desk.sessions.clear(),
    hint: (...what) => desk.hint(...what),
    holdDecisions: () => desk.holdDecisions(),
    forbidden: desk.forbidden,
    close: () => closeServer(server, desk),
  };
}

function closeServer(server: Server, desk: Desk): Promise<void> {
  desk.close();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function serve(
  desk: Desk,
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://desk');
  response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY);
  if (!url.pathname.startsWith('/v1/')) return serveFile(folder, url.pathname, response);
  try {
    await desk.answer(request, url, response);
  } catch (error) {
    const { status, code, message } =
      error instanceof Refusal ? error : new Refusal(500, 'Unexpected', String(error));
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({
        type: 'about:blank',
        title: code,
        status,
        code,
        detail: message,
        auth: 'tokens',
      }),
    );
  }
}

async function serveFile(folder: string, path: string, response: ServerResponse): Promise<void> {
  const name = extname(path) === '' ? '/index.html' : normalize(path);
  try {
    const content = await readFile(join(folder, name));
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

class Desk {
  readonly sessions = new Map<string, Role>();
  readonly forbidden: string[] = [];
  readonly #streams = new Set<ServerResponse>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #notes = new Map<string, { at: string; actor: string; note: string }[]>();
  readonly #bulk = someBulk();
  readonly #letters = someDeadLetters();
  readonly #replays = new Map<string, Replay>();
  readonly #repairs = someRepairs();
  readonly #audit = someAudit();
  readonly #orders = someOrderRows(2_000);
  #tasks: TaskRow[];
  #hold: HoldRow | null;
  #opened: number;
  #mayDecide = Promise.resolve();

  constructor(tasks: number, held: boolean) {
    this.#tasks = someTasks(tasks);
    this.#opened = tasks;
    this.#hold = held
      ? {
          id: 1,
          heldAt: ago(12),
          heldBy: 'jonas.weber',
          note: 'The dispatch system is being upgraded.',
          endedAt: null,
        }
      : null;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const stream of this.#streams) stream.end();
  }

  hint(...what: string[]): void {
    for (const stream of this.#streams) {
      stream.write(`event: changed\ndata: ${JSON.stringify({ what })}\n\n`);
    }
  }

  openTask(): TaskRow {
    this.#opened += 1;
    const task = someTask(this.#opened, 0.1);
    this.#tasks.push(task);
    this.#tasks.sort(
      (left, right) =>
        left.escalationReason.localeCompare(right.escalationReason) ||
        left.dueAt.localeCompare(right.dueAt),
    );
    this.hint('tasks');
    return task;
  }

  holdDecisions(): () => void {
    const gate = closedGate();
    this.#mayDecide = gate.opened;
    return gate.open;
  }

  closeTask(taskId: string, { hint } = { hint: true }): void {
    this.#tasks = this.#tasks.filter((task) => task.taskId !== taskId);
    if (hint) this.hint('tasks');
  }

  async answer(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const parts = url.pathname.split('/').slice(2).map(decodeURIComponent);
    const body = method === 'GET' ? {} : await readBody(request);
    const route = `${method} ${parts[0]}`;
    if (route === 'POST session') return this.#signIn(body, response);
    const session = /session=([a-z0-9-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const role = this.sessions.get(session);
    if (!role) throw new Refusal(401, 'Unauthenticated', 'sign in first');
    if (method !== 'GET') this.#check(request, role, url.pathname);
    if (route === 'GET stream') return this.#stream(response);
    const actor = `${role}@desk`;
    const answer = await this.#route(method, parts, url.searchParams, {
      ...body,
      actor,
      role,
      session,
    });
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(answer ?? {}));
  }

  #check(request: IncomingMessage, role: Role, path: string): void {
    if (request.headers['x-requested-with'] !== 'order-dispatch') {
      throw new Refusal(403, 'Forbidden', 'the header X-Requested-With is missing');
    }
    const isManaging = /\/(bulk|hold)|discard/.test(path) && !path.endsWith('/plan');
    if (path === '/v1/session') return;
    if (role === 'viewer' || (isManaging && role !== 'admin')) {
      this.forbidden.push(path);
      throw new Refusal(403, 'Forbidden', `a ${role} may not do this`);
    }
  }

  #signIn(body: Body, response: ServerResponse): void {
    const role = (['viewer', 'operator', 'admin', 'service'] as const).find(
      (each) => each === body['token'],
    );
    if (!role) throw new Refusal(401, 'Unauthenticated', 'nobody has this token');
    const session = `${role}-${this.sessions.size + 1}`;
    this.sessions.set(session, role);
    response.writeHead(200, {
      'content-type': 'application/json',
      'set-cookie': `session=${session}; HttpOnly; SameSite=Lax; Path=/`,
    });
    response.end('{}');
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  async #route(
    method: string,
    parts: string[],
    query: URLSearchParams,
    body: Body,
  ): Promise<unknown> {
    const [what = '', id, act] = parts;
    const asked = Object.fromEntries(query) as Asked;
    switch (`${method} ${what}`) {
      case 'GET session':
        return {
          actor: body['actor'],
          role: body['role'],
          auth: 'tokens',
          temporalUi: { url: 'http://127.0.0.1:8233', namespace: 'default' },
          version: '0.1.0',
        };
      case 'DELETE session':
        this.sessions.delete(String(body['session']));
        return {};
      case 'GET tasks':
        return id === undefined ? this.#listTasks(asked) : this.#showTask(id, body);
      case 'POST tasks':
        return this.#actOnTask(id ?? '', act ?? '', body);
      case 'GET orders':
        return id === undefined ? this.#listOrders(asked) : this.#showOrder(id, act, body);
      case 'POST orders':
        this.hint('orders', 'tasks');
        return {};
      case 'GET health':
        return id === 'history'
          ? { reports: someHistory(Date.parse(asked['since'] ?? ago(60))) }
          : this.#health();
      case 'GET bulk':
        return id === undefined ? { runs: this.#bulk.toReversed() } : this.#bulkOf(id);
      case 'POST bulk':
        return this.#actOnBulk(id, act, body);
      case 'GET dead-letters':
        if (id === 'replays') return this.#replays.get(act ?? '');
        return id === undefined ? this.#listLetters(asked) : this.#showLetter(id, body);
      case 'POST dead-letters':
        return this.#actOnLetters(id ?? '', body);
      case 'GET repairs':
        if (id !== undefined) return this.#repairs.find((repair) => repair.id === id);
        return {
          rows: this.#repairs.filter(
            ({ orderId, done }) => fits(asked['orderId'], orderId) && fits(asked['done'], done),
          ),
        };
      case 'GET audit':
        return {
          rows: this.#audit.filter(
            ({ orderId, actor }) => fits(asked['orderId'], orderId) && fits(asked['actor'], actor),
          ),
        };
      case 'GET hold':
        return this.#hold ? { hold: this.#hold, waiting: 137 } : { hold: null };
      case 'POST hold':
        this.#hold =
          id === 'release'
            ? null
            : {
                id: 2,
                heldAt: new Date().toISOString(),
                heldBy: String(body['actor']),
                note: String(body['note']),
                endedAt: null,
              };
        this.hint('hold', 'health');
        return {};
      default:
        throw new Refusal(404, 'NotFound', `no route ${method} ${what}`);
    }
  }

  #matching(asked: Asked): TaskRow[] {
    const { reason, claimedBy, restaurantId, about } = asked;
    return this.#tasks.filter(
      (task) =>
        fits(reason, task.escalationReason) &&
        fits(claimedBy, task.claimedBy) &&
        fits(restaurantId, task.restaurantId) &&
        (about === undefined || about === task.orderId || about === task.taskId),
    );
  }

  #listTasks(asked: Asked) {
    const all = this.#matching(asked);
    const from = Number(asked['after'] ?? 0);
    const limit = Number(asked['limit'] ?? 100);
    const rows = all.slice(from, from + limit);
    const next = from + limit < all.length ? String(from + limit) : null;
    return {
      matched: all.length,
      groups: groupsOf(all),
      rows,
      next,
    };
  }
  #find(taskId: string): TaskRow {
    const task = this.#tasks.find((each) => each.taskId === taskId);
    if (!task) throw new Refusal(404, 'ResolutionRefused', `no human task is open: ${taskId}`);
    return task;
  }
  #showTask(taskId: string, body: Body) {
    const task = { ...this.#find(taskId), end: null };
    const { escalationReason, openedAt, dueAt } = task;
    const { means, checkFirst, usualDecision } = GUIDANCE[escalationReason];
    return {
      task,
      decisions: decisionSchemas(escalationReason),
      guidance: GUIDANCE[escalationReason],
      why: {
        text: [
          `waiting for a person since ${openedAt} (${escalationReason})`,
          `due ${dueAt}`,
          `it means: ${means.replace(/\.$/, '')}`,
          `check first: ${checkFirst.replace(/\.$/, '')}`,
          `usual decision: ${usualDecision.replace(/\.$/, '')}`,
          '`dispatch.requests` has 0 consumers, 412 waiting.',
        ].join('; '),
      },
      ...(body['role'] !== 'viewer' && { notes: this.#notes.get(taskId) ?? [] }),
      humanTask: null,
    };
  }
  async #actOnTask(taskId: string, act: string, body: Body): Promise<unknown> {
    const actor = String(body['actor']);
    if (act === 'resolve') await this.#mayDecide;
    const found = this.#tasks.find((each) => each.taskId === taskId);
    if (!found)
      throw new Refusal(
        409,
        'ResolutionRefused',
        `lena.petrova was first: she decided retry at ${/* @__PURE__ */ new Date().toISOString()}`,
      );
    switch (act) {
      case 'claim':
        if (found.claimedBy !== null && found.claimedBy !== actor && body['takeOver'] !== true)
          throw new Refusal(409, 'ResolutionRefused', `${found.claimedBy} has claimed it`);
        Object.assign(found, {
          claimedBy: actor,
          claimedUntil: ago(-15),
        });
        break;
      case 'release':
        Object.assign(found, {
          claimedBy: null,
          claimedUntil: null,
        });
        break;
      case 'snooze':
        Object.assign(found, { snoozedUntil: String(body['until']) });
        break;
      case 'note': {
        const note = {
          at: /* @__PURE__ */ new Date().toISOString(),
          actor,
          note: String(body['note']),
        };
        this.#notes.set(taskId, [...(this.#notes.get(taskId) ?? []), note]);
        break;
      }
      default:
        this.closeTask(taskId);
        return {
          taskId,
          order: { status: body['decision'] === 'cancel' ? 'cancelling' : 'placed' },
        };
    }
    this.hint('tasks');
    return found;
  }
  #listOrders(asked: Asked) {
    const { q, status, after } = asked;
    const all = this.#orders.filter(
      (row) =>
        fits(status, row.status) &&
        fits(asked['restaurantId'], row.restaurantId) &&
        (q === undefined || row.orderId.startsWith(q) || row.courierId === q),
    );
    const from = Number(after ?? 0);
    return {
      orders: all.slice(from, from + 40),
      next: from + 40 < all.length ? String(from + 40) : null,
    };
  }
  #showOrder(orderId: string, part: string | undefined, body: Body): unknown {
    const tasks = this.#tasks.filter((task) => task.orderId === orderId);
    const [task] = tasks;
    if (!orderId.startsWith('o-'))
      throw new Refusal(
        404,
        'OrderNotFound',
        `order ${orderId} is not known: check the ID and the namespace`,
      );
    const reason = task?.escalationReason ?? 'noAcknowledgement';
    const { order, ...report } = someOrder(orderId);
    switch (part) {
      case undefined: {
        const { customerId, deliveryAddress, note, ...open } = order ?? {};
        const personal =
          body['role'] === 'viewer'
            ? {}
            : {
                customerId,
                deliveryAddress,
                note,
              };
        return {
          ...report,
          order: {
            ...open,
            ...personal,
          },
          tasks: tasks.map(({ taskId, openedAt, escalationReason }) => ({
            taskId,
            humanTask: {
              escalationReason,
              escalatedAt: openedAt,
              decisions: [],
            },
          })),
        };
      }
      case 'timeline':
        return someTimeline(orderId, task?.openedAt ?? ago(75), reason);
      case 'why':
        return {
          text: `waiting for a person since ${task?.openedAt ?? ago(75)} (${reason}).`,
          notKnown: [],
        };
      default:
        return {
          acknowledgements: [
            {
              id: '1',
              messageId: '0193a2c4-77aa-7000-8000-000000000001',
              requestId: `${orderId}.1`,
              outcome: 'accepted',
              class: 'late',
              courierId: 'courier-88',
              decidedAt: ago(70),
              receivedAt: ago(70),
            },
          ],
          deadLetters: this.#letters.slice(0, 1),
        };
    }
  }
  #health() {
    return {
      state: 'unhealthy',
      ageMs: 21e3,
      report: {
        at: ago(0.4),
        findings: [
          {
            code: 'noConsumer',
            severity: 'critical',
            what: 'dispatch.requests has no consumer, and 412 messages wait',
            whatToDo: 'start the process that consumes the queue, or look at its log',
          },
          {
            code: 'tasksOverdue',
            severity: 'warning',
            what: '37 human tasks are overdue, the oldest since 3 h',
            whatToDo: 'order-dispatch tasks list, and decide',
            examples: ['dispatch-order/o-2611-00012'],
          },
        ],
        figures: someHistory(Date.now() - 36e5).at(-1)?.figures ?? {},
        notChecked: [],
      },
    };
  }
  #bulkOf(id: string): BulkDetail {
    const bulk = this.#bulk.find(({ run }) => run.id === Number(id));
    if (!bulk) throw new Refusal(409, 'ResolutionRefused', `there is no bulk run ${id}: list them`);
    return bulk;
  }
  #actOnBulk(id: string | undefined, act: string | undefined, body: Body): unknown {
    const { escalationReason, ...others } = (body['filter'] ?? {}) as Asked;
    const filter = { ...others, reason: escalationReason };
    const ids = body['taskIds'] as string[] | undefined;
    const tasks = ids
      ? this.#tasks.filter(({ taskId }) => ids.includes(taskId))
      : this.#matching(filter);
    if (id === 'plan')
      return {
        matched: tasks.length,
        groups: groupsOf(tasks),
        rows: tasks.slice(0, 5),
      };
    if (act === 'abort') {
      const bulk = this.#bulkOf(id ?? '');
      bulk.run = {
        ...bulk.run,
        state: 'aborted',
        endedAt: /* @__PURE__ */ new Date().toISOString(),
        abortedBy: String(body['actor']),
        abortNote: String(body['note']),
      };
      bulk.counts = {
        ...bulk.counts,
        pending: 0,
        skipped: bulk.counts.pending,
      };
      this.hint('bulk');
      return bulk;
    }
    const bulk: BulkDetail = {
      run: {
        id: this.#bulk.length + 1,
        actor: String(body['actor']),
        via: 'web',
        note: String(body['note']),
        decision: body['decision'] as BulkDetail['run']['decision'],
        filter: ids ? { taskIds: ids } : filter,
        ratePerSecond: Number(body['ratePerSecond'] ?? 20),
        state: 'running',
        createdAt: /* @__PURE__ */ new Date().toISOString(),
        endedAt: null,
        abortedBy: null,
        abortNote: null,
      },
      counts: {
        pending: tasks.length,
        resolved: 0,
        refused: 0,
        failed: 0,
        skipped: 0,
      },
      rows: [],
    };
    this.#bulk.push(bulk);
    this.#progress(bulk, tasks);
    return {
      bulkId: bulk.run.id,
      tasks: tasks.length,
    };
  }
  #progress(bulk: BulkDetail, tasks: TaskRow[]): void {
    const todo = [...tasks];
    const timer = setInterval(() => {
      const { run, counts } = bulk;
      if (run.state !== 'running') return this.#stop(timer);
      const some = todo.splice(
        0,
        counts.resolved < BULK_CANARY ? BULK_CANARY : run.ratePerSecond / 5,
      );
      for (const { taskId } of some) this.closeTask(taskId);
      bulk.counts = {
        ...counts,
        pending: todo.length,
        resolved: counts.resolved + some.length,
      };
      if (todo.length === 0)
        bulk.run = {
          ...run,
          state: 'done',
          endedAt: /* @__PURE__ */ new Date().toISOString(),
        };
      this.hint('bulk', 'tasks');
    }, 200);
    this.#timers.add(timer);
  }
  #stop(timer: NodeJS.Timeout): void {
    clearInterval(timer);
    this.#timers.delete(timer);
  }
  #lettersOf(asked: Asked) {
    const { state, reason, sourceQueue, about } = asked;
    return this.#letters.filter(
      (letter) =>
        fits(state, letter.state) &&
        fits(sourceQueue, letter.sourceQueue) &&
        fits(about, letter.orderId) &&
        (reason === undefined || letter.deadLetterReason.includes(reason)),
    );
  }
  #listLetters(asked: Asked) {
    const all = this.#lettersOf(asked);
    const groups = [
      ...groupBy(
        all,
        ({ deadLetterReason, sourceQueue }) => `${deadLetterReason}|${sourceQueue}`,
      ).values(),
    ].map((letters) => ({
      deadLetterReason: letters[0]?.deadLetterReason,
      sourceQueue: letters[0]?.sourceQueue,
      count: letters.length,
      firstFailedAt: letters.at(-1)?.firstFailedAt,
      lastFailedAt: letters[0]?.lastFailedAt,
    }));
    const rows = all.map(withoutMessage).slice(0, Number(asked['limit'] ?? 100));
    return {
      matched: all.length,
      groups,
      rows,
      next: null,
    };
  }
  #showLetter(id: string, body: Body) {
    const letter = this.#letters.find((each) => each.id === id);
    if (!letter) throw new Refusal(409, 'ResolutionRefused', `there is no dead letter ${id}`);
    const { content, ...open } = letter;
    return body['role'] === 'viewer'
      ? open
      : {
          ...open,
          content,
        };
  }
  #actOnLetters(act: string, body: Body): unknown {
    const ids = body['ids'] as string[] | undefined;
    const { orderId, ...others } = (body['filter'] ?? {}) as Asked;
    const filter = { ...others, about: orderId };
    const all = (
      ids ? this.#letters.filter(({ id }) => ids.includes(id)) : this.#lettersOf(filter)
    ).filter(({ state }) => state === 'open');
    if (body['dryRun'] === true) return { dryRun: true, matched: all.length, discarded: 0 };
    if (act === 'discard') {
      for (const letter of all)
        Object.assign(letter, {
          state: 'discarded',
          decidedBy: body['actor'],
          decisionNote: body['note'],
          decidedAt: ago(0),
        });
      this.hint('deadLetters');
      return { dryRun: false, matched: all.length, discarded: all.length };
    }
    const replay: Replay = { replayId: String(this.#replays.size + 1) };
    this.#replays.set(replay.replayId, replay);
    let replayed = 0;
    const timer = setInterval(() => {
      const letter = all[replayed];
      if (letter) Object.assign(letter, { state: 'replayed', decidedBy: body['actor'] });
      replayed += 1;
      replay.progress = {
        kind: 'replayed',
        replayed: Math.min(replayed, all.length),
        of: all.length,
      };
      if (replayed >= all.length) {
        this.#stop(timer);
        replay.report = {
          dryRun: false,
          matched: all.length,
          replayed: all.map((each) => each.id),
          cameBack: [],
        };
      }
      this.hint('deadLetters');
    }, 100);
    this.#timers.add(timer);
    return { replayId: replay.replayId };
  }
}

type Body = Record<string, unknown>;
type Asked = Record<string, string | undefined>;

function fits(wanted: string | undefined, value: string | null | undefined): boolean {
  return wanted === undefined || wanted === value;
}

function groupsOf(tasks: readonly TaskRow[]) {
  const groups = groupBy(tasks, ({ escalationReason }) => escalationReason);
  return [...groups]
    .map(([escalationReason, rows]) => ({
      escalationReason,
      count: rows.length,
      oldestOpenedAt: rows.map(({ openedAt }) => openedAt).sort()[0],
    }))
    .sort((left, right) => right.count - left.count);
}

async function readBody(request: IncomingMessage): Promise<Body> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : (JSON.parse(text) as Body);
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/** A dead letter as the list has it. */
function withoutMessage(letter: DeadLetterShown) {
  return { ...letter, content: undefined, headers: undefined, properties: undefined };
}
