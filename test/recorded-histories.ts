import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { workflowBundlePath } from '../worker/workflow-bundle';
import type { TestBed } from './setup';

const FOLDER = join(__dirname, 'histories');
const workflowBundle = { codePath: workflowBundlePath() };

/** The shapes of which there is a history from an earlier release. */
export function recordedShapes(): string[] {
  return readdirSync(FOLDER).map((file) => basename(file, '.json'));
}

/** Replays a recorded history with today's workflows. */
export async function replayRecorded(shape: string): Promise<void> {
  const history: unknown = JSON.parse(readFileSync(fileOf(shape), 'utf8'));
  await Worker.runReplayHistory({ workflowBundle }, history);
}

/** Replays what a workflow has just done; where its shape has no history yet, that is recorded. */
export async function replayToday(
  shape: string,
  {
    temporal,
    workflowId,
    runId,
  }: Pick<TestBed, 'temporal'> & { workflowId: string; runId?: string },
): Promise<void> {
  const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  await Worker.runReplayHistory({ workflowBundle }, history);
  if (existsSync(fileOf(shape))) return;
  writeFileSync(fileOf(shape), withoutIdentity(historyToJSON(history)));
}

function fileOf(shape: string): string {
  return join(FOLDER, `${shape}.json`);
}

/** Process, host, sticky queue and folder of whoever recorded it say nothing to others. */
function withoutIdentity(json: string): string {
  return json
    .replaceAll(/"(identity|name)": "\d+@[^"]*"/g, '"$1": "test"')
    .replaceAll(join(__dirname, '..'), '.');
}
