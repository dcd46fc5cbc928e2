import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

/** How to run `rabbitmqctl` on a certain broker: data, so that test files can have it too. */
export const rabbitmqctlSchema = z.object({
  command: z.string(),
  /** What comes before the arguments. */
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
});

/** How to run `rabbitmqctl` on a certain broker. */
export type Rabbitmqctl = z.infer<typeof rabbitmqctlSchema>;

/** Runs `rabbitmqctl`, which takes half a second. @returns what it printed. */
export async function rabbitmqctl(control: Rabbitmqctl, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(control.command, [...control.args, ...args], {
    env: { ...process.env, ...control.env },
  });
  return stdout;
}

/**
 * Closes every connection of a virtual host, as an operator would. The management API can do that
 * too, but lists a connection only seconds after it was opened.
 */
export async function closeConnections(control: Rabbitmqctl, vhost: string): Promise<void> {
  await rabbitmqctl(control, ['close_all_connections', '--vhost', vhost, 'closed by a test']);
}
