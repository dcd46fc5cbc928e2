import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, readProcessFiles } from './supervision/process-file.cjs';
import { rabbitmqctlSchema } from './servers/rabbitmqctl';

/** Where a running test stack leaves its connection details, relative to the clone (mode 0600). */
export const TEST_STACK_FILE = '.local/test-stack.json';

/** The name of the process that runs the test stack, of which there is one for each clone. */
export const TEST_STACK = 'test-stack';

/** What `.local/test-stack.json` holds while a test stack runs. */
const testStackFileSchema = z.object({
  /** host:port of the Temporal frontend. */
  temporalAddress: z.string(),
  webUi: z.string(),
  /** The AMQP URL of the broker's default virtual host, with credentials. */
  amqpUrl: z.string(),
  /** The URL of the broker's management API, with credentials. */
  managementUrl: z.string(),
  rabbitmqctl: rabbitmqctlSchema,
  /** The URL of the PostgreSQL server's own database, as superuser. */
  postgresUrl: z.string(),
});

/** A running test stack's connection details. */
export type TestStackFile = z.infer<typeof testStackFileSchema>;

/** Reads the details of the test stack of the clone in `directory`; `undefined` where none runs. */
export function readTestStackFile(directory: string): TestStackFile | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, TEST_STACK_FILE), 'utf8');
  } catch {
    return undefined;
  }
  const runs = readProcessFiles(join(directory, '.local')).some(
    (file) => file.name === TEST_STACK && isAlive(file),
  );
  return runs ? testStackFileSchema.parse(JSON.parse(text)) : undefined;
}

/** Writes the details in one step: a reader never sees half of them. */
export function writeTestStackFile(directory: string, stack: TestStackFile): void {
  const file = join(directory, TEST_STACK_FILE);
  writeFileSync(`${file}.new`, JSON.stringify(stack, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
