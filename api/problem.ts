import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { ERROR_CODES, OrderDispatchError, type ErrorCode } from '../domain/errors';

/** Codes that only the API has. */
const API_CODES = [
  'Unauthenticated',
  'Forbidden',
  'NotFound',
  'RateLimited',
  'TooLarge',
  'UnsupportedMediaType',
  'SignInUnavailable',
] as const;

/** What an error is called: stable, for programs. */
export type ProblemCode = ErrorCode | (typeof API_CODES)[number];

/** Refuses a request, with a code of the API's own. */
export class Refusal extends Error {
  constructor(
    readonly code: (typeof API_CODES)[number],
    message: string,
    /** What else the problem has. */
    readonly more: { auth?: string; retryAfterS?: number } = {},
  ) {
    super(message);
  }
}

/** How every error is answered: RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    /** What is the matter, and what one can do. */
    detail: z.string(),
    code: z.enum([...ERROR_CODES, ...API_CODES]),
    /** Each bad field of a request. */
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    /** How one signs in, where one has to. */
    auth: z.enum(['none', 'tokens', 'oidc']).optional(),
  })
  .meta({ id: 'Problem' });

/** An error as it is answered. */
export type Problem = z.infer<typeof problemSchema>;

/** The HTTP status of each code; of all others, 500. */
const STATUSES: Partial<Record<ProblemCode, number>> = {
  InvalidOrder: 400,
  InvalidPolicy: 400,
  UsageError: 400,
  Unauthenticated: 401,
  Forbidden: 403,
  OrderNotFound: 404,
  NotFound: 404,
  OrderConflict: 409,
  ResolutionRefused: 409,
  TooLateToCancel: 409,
  OrderUnsettled: 409,
  ErasureRefused: 409,
  TooLarge: 413,
  UnsupportedMediaType: 415,
  RateLimited: 429,
  DispatchUnavailable: 503,
  BrokerUnavailable: 503,
  DatabaseUnavailable: 503,
  SignInUnavailable: 503,
  WaitTimedOut: 504,
};

/** An error by its code. */
export function problemOf(
  code: ProblemCode,
  detail: string,
  more: Pick<Problem, 'errors' | 'auth'> = {},
): Problem {
  const status = STATUSES[code] ?? 500;
  return {
    type: `/docs#${code}`,
    title: STATUS_CODES[status] ?? code,
    status,
    detail,
    code,
    ...more,
  };
}

/** One of our errors as it is answered; of what nobody foresaw, nothing is told but that. */
export function problemOfError({ code, message }: OrderDispatchError, method: string): Problem {
  if (code === 'Unexpected') return problemOf(code, UNFORESEEN);
  const problem = problemOf(code, message);
  // Where nothing was to be changed, only what is not there can be refused.
  const isNotThere = code === 'ResolutionRefused' && method === 'GET';
  return isNotThere ? { ...problem, status: 404, title: 'Not Found' } : problem;
}

/** What is said of an error that nobody foresaw: its own words could hold anything. */
export const UNFORESEEN = "it failed, and nobody foresaw how: the API's log says more";
