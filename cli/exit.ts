import { CommanderError } from 'commander';

/** What the command line exits with. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

/** What was typed, or what a file or a setting holds, cannot be used; nothing was done. */
export class UsageError extends Error {
  readonly code = 'UsageError';
}

/** What was waited for takes longer than `--timeout` allows; it goes on. */
export class WaitTimedOut extends Error {
  readonly code = 'WaitTimedOut';
}

/** A failure whose JSON was printed already, with more than its message. */
export class Told extends Error {
  constructor(override readonly cause: unknown) {
    super();
  }
}

/** Errors that are not a refusal, by their stable code. */
const EXIT_BY_CODE: Readonly<Record<string, number>> = {
  UsageError: EXIT.usage,
  InvalidOrder: EXIT.usage,
  InvalidPolicy: EXIT.usage,
  InvalidConfiguration: EXIT.usage,
  DispatchUnavailable: EXIT.unreachable,
  BrokerUnavailable: EXIT.unreachable,
  DatabaseUnavailable: EXIT.unreachable,
  WaitTimedOut: EXIT.unreachable,
};

/**
 * What a failure looks like from outside.
 *
 * @returns `line` is absent where the failure was told already.
 */
export function toExit(error: unknown): { exitCode: number; line?: string } {
  if (error instanceof Told) return toExit(error.cause);
  // Commander has written its message; it says 1 for whatever was typed wrong.
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? EXIT.done : EXIT.usage };
  }
  if (!(error instanceof Error)) return { exitCode: EXIT.refused, line: oneLine(String(error)) };
  const { code } = error as { code?: unknown };
  const known = typeof code === 'string' && !(error instanceof UsageError) ? `${code}: ` : '';
  if (isNamespaceMissing(error)) {
    return {
      exitCode: EXIT.usage,
      line: oneLine(
        `${error.message}: check --namespace or TEMPORAL_NAMESPACE, and the address; \`temporal operator namespace list\` lists what is there`,
      ),
    };
  }
  if (typeof code === 'number') {
    // A gRPC status that is no outage, such as that it does not let us in.
    return {
      exitCode: EXIT.unreachable,
      line: oneLine(`Temporal refuses the call: ${error.message}`),
    };
  }
  if (error.name === 'ValueError') {
    return {
      exitCode: EXIT.usage,
      line: oneLine(
        `${error.message}: payloads are encoded; give their codec with --codec-module or ORDER_DISPATCH_CODEC_MODULE`,
      ),
    };
  }
  return {
    exitCode: (typeof code === 'string' && EXIT_BY_CODE[code]) || EXIT.refused,
    line: oneLine(known + error.message),
  };
}

/** The stable code of an error of ours. */
export function codeOf(error: unknown): { code?: string } {
  const { code } = (error ?? {}) as { code?: unknown };
  if (error instanceof CommanderError) return { code: 'UsageError' };
  return typeof code === 'string' ? { code } : {};
}

/** What it says, in one line. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

/** In the words of the SDK, or of the server itself where no class of the SDK's stands for it. */
function isNamespaceMissing(error: Error): boolean {
  return (
    error.name === 'NamespaceNotFoundError' ||
    (typeof (error as { code?: unknown }).code === 'number' &&
      /namespace .*not found/i.test(error.message))
  );
}

/** A message without its line breaks. */
export function oneLine(message: string): string {
  return message.trim().replace(/\s*\n\s*/g, ' ');
}
