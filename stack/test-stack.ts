import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import { identify } from './process-identity';
import type { Progress } from './progress';
import { startTestServices, type TestServices } from './services';
import { StackError } from './stack-error';
import { readTestStackFile, TEST_STACK_FILE, writeTestStackFile } from './test-stack-file';

/**
 * Brings up the servers that all test files share, and leaves their connection details in
 * `.local/test-stack.json` until it is stopped.
 *
 * @throws {StackError} if they do not come up, or a test stack of this clone runs already.
 */
export async function startTestStack(
  options: { progress?: Progress; signal?: AbortSignal } = {},
): Promise<TestServices> {
  const clone = packageRoot();
  const running = readTestStackFile(clone);
  if (running) throw new StackError(`a test stack runs already, as process ${running.owner.pid}`);
  const owner = identify(process.pid);
  if (!owner) throw new StackError(`cannot read the start time of process ${process.pid}`);
  const services = await startTestServices({
    directory: join(clone, '.local'),
    progress: options.progress ?? (() => undefined),
    ...(options.signal && { signal: options.signal }),
  });
  services.run.ownPath(join(clone, TEST_STACK_FILE));
  writeTestStackFile(clone, {
    temporalAddress: services.temporal.address,
    webUi: services.temporal.webUi,
    amqpUrl: services.rabbitmq.url(),
    managementUrl: services.rabbitmq.managementUrl,
    rabbitmqctl: services.rabbitmq.rabbitmqctl,
    postgresUrl: services.postgres.url(),
    owner,
  });
  return services;
}
