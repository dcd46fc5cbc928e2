import { msToTs } from '@temporalio/common/lib/time';
import { openConnection } from '../../temporal/connection';
import { registerSearchAttributes } from '../../temporal/search-attributes';

/** How long a namespace keeps closed workflows: Temporal's least, one day. */
const RETENTION = msToTs('1 day');

/**
 * Creates a namespace with the service's search attributes, and waits until workflows can use both.
 *
 * @param address host:port of the Temporal frontend
 */
export async function createNamespace(address: string, namespace: string): Promise<void> {
  const connection = await openConnection({ address });
  try {
    const { workflowService } = connection;
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: RETENTION,
    });
    await registerSearchAttributes({ connection, namespace });
  } finally {
    await connection.close();
  }
}
