import { createInterface } from 'node:readline/promises';
import { UsageError } from '../domain/errors';

/**
 * Asks a person whether they mean it; anything but yes is no.
 *
 * @throws {@link UsageError} where nobody can be asked.
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(`${question} Say so with --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
