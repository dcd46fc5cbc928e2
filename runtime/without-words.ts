import { OrderDispatchError } from '../domain/errors';
import { wrappedErrors } from './wrapped-errors';

/** An error as a line of the log may have it. */
export interface ErrorWithoutWords {
  type: string;
  /** Where the error is ours, which never quotes. */
  message?: string;
  /** Its own, and those of what it wraps: SQLSTATEs, say. */
  codes?: string[];
  stack?: string;
}

const CODE = /^[A-Z0-9_]{2,40}$/;

const FRAME = /^ {4}at .+:\d+:\d+\)?$/;

/**
 * What the log may have of a failure: kind, codes and frames, but no words that are not ours. A decision
 * that throws may name the customer, and a database quotes the row that it refuses.
 */
export function withoutWords(error: unknown): ErrorWithoutWords {
  if (!(error instanceof Error)) return { type: typeof error };
  const codes = codesOf(error);
  const frames = (error.stack ?? '').split('\n').filter((line) => FRAME.test(line));
  return {
    type: error.name,
    ...(error instanceof OrderDispatchError && { message: error.message }),
    ...(codes.length > 0 && { codes }),
    ...(frames.length > 0 && { stack: frames.join('\n') }),
  };
}

function codesOf(error: Error): string[] {
  const codes = new Set<string>();
  for (const { code, originalCode } of wrappedErrors(error)) {
    for (const said of [code, originalCode]) {
      if (typeof said === 'string' && CODE.test(said)) codes.add(said);
    }
  }
  return [...codes];
}
