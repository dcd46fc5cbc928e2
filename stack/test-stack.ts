import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root';
import type { Progress } from './progress';
import { startTestServices, type TestServices } from './services';
import { StackError } from './stack-error';
import { claimName } from './supervision/process-file.cjs';
import { TEST_STACK, TEST_STACK_FILE, writeTestStackFile } from './test-stack-file';

/**
 * Brings up the servers that all test files share, and leaves their connection details in
 * `.local/test-stack.json` until it is stopped.
 *
 * @throws {StackError} if they do not come up, or a test stack of this clone runs already.
 */
export async function startTestStack(options: {
  progress: Progress;
  signal: AbortSignal;
}): Promise<TestServices> {
  const clone = packageRoot();
  const local = join(clone, '.local');
  const { holder } = claimName(local, TEST_STACK);
  if (holder) {
    throw new StackError(
      `a test stack of this clone runs already or is starting, as process ${holder.pid}`,
    );
  }
  const services = await startTestServices({ directory: local, ...options });
  services.scope.ownPath(join(clone, TEST_STACK_FILE));
  writeTestStackFile(clone, {
    temporalAddress: services.temporal.address,
    webUi: services.temporal.webUi,
    amqpUrl: services.rabbitmq.url(),
    managementUrl: services.rabbitmq.managementUrl,
    rabbitmqctl: services.rabbitmq.rabbitmqctl,
    postgresUrl: services.postgres.url(),
  });
  return services;
}
