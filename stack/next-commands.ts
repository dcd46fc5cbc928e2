import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Resolution } from '../domain/resolution';
import { SIGNALS, dispatchOrderWorkflowId } from '../domain/temporal-names';
import { packageRoot } from '../runtime/package-root';
import type { LocalStack } from './local-stack';
import { pathFolders } from './servers/executables';
import { stackFolder } from './stack-folder';

/** The exact commands and addresses for a person to go on with, at a running stack. */
export interface NextCommands {
  /** A command of ours, such as `tasks list`. */
  orderDispatch(words: string): string;
  /** A command of Temporal's, such as `workflow list`. */
  temporal(words: string): string;
  /** Temporal's command that sends the signal which resolves an order's human task. */
  resolveBySignal(orderId: string, resolution: Resolution): string;
  /**
   * The Web UI's page of a workflow; where the Web UI is not known, what to look for.
   *
   * @param runId for the very page with the current details, where a human task is described
   */
  webPage(workflowId: string, runId?: string): string;
  /** The Web UI's list of what waits for a person. */
  webTasks(): string;
}

/** What Temporal finds human tasks by. */
const WAITS_FOR_PERSON = 'OrderEscalationReason IS NOT NULL';

/** The commands for this stack. */
export function nextCommands({
  details,
  temporalCli,
}: Pick<LocalStack, 'details' | 'temporalCli'>): NextCommands {
  const { temporalAddress, temporalNamespace, webUi } = details;
  const program = temporalCli === undefined || isOnPath(temporalCli) ? 'temporal' : temporalCli;
  const target = ` --address ${temporalAddress}${temporalNamespace === 'default' ? '' : ` --namespace ${temporalNamespace}`}`;
  const temporal = (words: string) => `${program} ${words}${target}`;
  return {
    // The command line finds the clone's own stack by itself.
    orderDispatch: (words) =>
      `npx order-dispatch ${words}${stackFolder() === packageRoot() ? '' : target}`,
    temporal,
    resolveBySignal: (orderId, resolution) =>
      temporal(
        `workflow signal --workflow-id ${dispatchOrderWorkflowId(orderId)} --name ${SIGNALS.resolve} --input ${quoted(JSON.stringify(resolution))}`,
      ),
    webPage: (workflowId, runId) =>
      webUi === ''
        ? `workflow ${workflowId} in your Web UI`
        : `${webUi}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflowId)}${runId === undefined ? '' : `/${runId}/user-metadata`}`,
    webTasks: () =>
      webUi === ''
        ? `workflows with ${WAITS_FOR_PERSON} in your Web UI`
        : `${webUi}/namespaces/${temporalNamespace}/workflows?query=${encodeURIComponent(WAITS_FOR_PERSON)}`,
  };
}

/** Whether the shell runs this very file by its name. */
function isOnPath(file: string): boolean {
  return (
    pathFolders().find((folder) => existsSync(`${folder}/${basename(file)}`)) === dirname(file)
  );
}

/** For a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
