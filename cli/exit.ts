import type { ErrorCode, OrderDispatchError } from '../domain/errors';

/** What the command line exits with. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** A failure whose JSON was printed already, with more than its message. */
export class Told extends Error {
  constructor(override readonly cause: OrderDispatchError) {
    super();
  }
}

/** Errors that are not a refusal, by their stable code. */
const EXIT_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  UsageError: EXIT.usage,
  InvalidOrder: EXIT.usage,
  InvalidPolicy: EXIT.usage,
  InvalidConfiguration: EXIT.usage,
  DispatchUnavailable: EXIT.unreachable,
  BrokerUnavailable: EXIT.unreachable,
  DatabaseUnavailable: EXIT.unreachable,
  WaitTimedOut: EXIT.unreachable,
  ConnectionClosed: EXIT.unreachable,
};

/**
 * What a failure looks like from outside.
 *
 * @returns `line` is absent where the failure was told already.
 */
export function toExit(error: OrderDispatchError): { exitCode: number; line: string } {
  const { code } = error;
  // What somebody typed is clear without a name for it; what nobody foresaw has none.
  const known = code === 'UsageError' || code === 'Unexpected' ? '' : `${code}: `;
  return { exitCode: EXIT_BY_CODE[code] ?? EXIT.refused, line: oneLine(known + error.message) };
}

/** A message without its line breaks. */
export function oneLine(message: string): string {
  return message.trim().replace(/\s*\n\s*/g, ' ');
}
