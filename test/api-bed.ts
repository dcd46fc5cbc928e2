import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Authentication } from '../api/access';
import { authenticateNobody } from '../api/auth/none';
import { buildApiServer } from '../api/server';
import { openApiServices, type ApiServices } from '../api/services';
import { defined } from '../domain/defined';
import type { Role } from '../domain/role';
import { silentLogger, type Logger } from '../runtime/logger';
import type { Surroundings } from './setup';

/** The API in this process, on a test file's surroundings. */
export interface TestApi {
  app: FastifyInstance;
  services: ApiServices;
  /** Asks as a program on this machine would. */
  ask: (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    more?: { body?: unknown; headers?: Record<string, string> },
  ) => Promise<{ status: number; headers: Record<string, unknown>; body: Body; text: string }>;
  close: () => Promise<void>;
}

/** What tests read of the answers' bodies; each has some of it. */
interface Body {
  code: string;
  detail: string;
  errors: { path: string; message: string }[];
  next: string | null;
  matched: number;
  rows: { id: string; taskId: string; orderId: string; note: string }[];
  orders: { orderId: string }[];
  task: { openedAt: string };
  decisions: { decision: string; schema: unknown }[];
  run: { state: string };
  runs: { run: { id: number } }[];
  bulkId: number;
  replayId: string;
  report?: object;
  reports: { at: string }[];
  hold: object | null;
  waitsFor: string;
  acknowledgements: object[];
  paths: Record<string, Record<string, object>>;
}

/** Builds the API on surroundings, without a port of its own. */
export async function buildTestApi(
  surroundings: Surroundings,
  options: {
    authentication?: Authentication;
    log?: Logger;
    publicUrl?: string;
    ratePerMinute?: number;
    temporalAddress?: string;
    lookEveryMs?: number;
    consoleFolder?: string;
    /** Those of another one, which closes them. */
    services?: ApiServices;
  } = {},
): Promise<TestApi> {
  const { amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl, namespace, stack } = surroundings;
  const { log = silentLogger(), ratePerMinute = 100_000, lookEveryMs = 50 } = options;
  const { temporalAddress: address = stack.temporalAddress, publicUrl } = options;
  const temporal = { address, namespace };
  const services =
    options.services ??
    (await openApiServices(
      { temporal, amqpUrl, ordersDatabaseUrl, dispatchDatabaseUrl },
      { log, lookEveryMs },
    ));
  const app = await buildApiServer({
    config: { ratePerMinute, temporal, ...(publicUrl !== undefined && { publicUrl }) },
    services,
    authentication: options.authentication ?? authenticateNobody(),
    log,
    ...defined({ consoleFolder: options.consoleFolder }),
  });
  return {
    app,
    services,
    ask: async (method, url, { body, headers = {} } = {}) => {
      const request: InjectOptions = { method, url, headers: { host: 'localhost', ...headers } };
      const answer = await app.inject({
        ...request,
        ...(body !== undefined && { payload: body as object }),
      });
      const isJson = /json/.test(String(answer.headers['content-type']));
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: (isJson ? answer.json() : {}) as Body,
        text: answer.body,
      };
    },
    close: async () => {
      await app.close();
      if (!options.services) await services.close();
    },
  };
}

/** Lets everybody in, as somebody with that role. */
export function actingAs(role: Role, actor = `the-${role}`): Authentication {
  const who = { actor, role, via: 'api' as const };
  return { kind: 'tokens', identify: () => Promise.resolve({ who, byCookie: false }) };
}
