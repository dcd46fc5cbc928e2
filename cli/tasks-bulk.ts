import { Option, type Command } from 'commander';
import { BULK_DECISIONS, type BulkDecision } from '../domain/bulk';
import { defined } from '../domain/defined';
import { UsageError } from '../domain/errors';
import { HUMAN_TASK_KINDS, type HumanTaskFilter, type HumanTaskKind } from '../domain/human-task';
import { ESCALATION_REASONS, type EscalationReason } from '../domain/status';
import { followBulk } from './bulk-follow';
import { planText } from './bulk-text';
import { confirm } from './confirm';
import { chooseTarget, withDatabases, withTemporal } from './open-services';
import { parseTyped, rateOption, timeOption, wholeNumberOption } from './options';
import { print, say, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';
import type { MayWaitOptions } from './waiting';

/** The options that go with `--where` alone. */
export interface BulkOptions {
  where?: HumanTaskFilter;
  olderThan?: Date;
  rate?: number;
  limit?: number;
  dryRun?: boolean;
  yes?: boolean;
}

const MAXIMUM_TASKS = 100_000;

/** Adds the options that make `tasks resolve` decide about many. */
export function withBulkOptions(command: Command): Command {
  const where = new Option(
    '--where <condition>',
    `many tasks: ${Object.keys(CONDITIONS).join('=, ')}=`,
  );
  return command
    .addOption(where.argParser(addCondition))
    .addOption(timeOption('--older-than <time>', 'with --where: open since then', -1))
    .addOption(rateOption('--rate <tasks>', 'with --where: per second, at most'))
    .addOption(
      wholeNumberOption('--limit <tasks>', 'with --where: the oldest so many', {
        minimum: 1,
        maximum: MAXIMUM_TASKS,
      }),
    )
    .option('--dry-run', 'with --where: count them, and decide nothing')
    .option('--yes', 'with --where: do not ask whether all are meant');
}

const CONDITIONS = {
  reason: (value: string): HumanTaskFilter => ({
    escalationReason: oneOf<EscalationReason>('reason', value, ESCALATION_REASONS),
  }),
  restaurant: (restaurantId: string): HumanTaskFilter => ({ restaurantId }),
  kind: (value: string): HumanTaskFilter => ({
    kind: oneOf<HumanTaskKind>('kind', value, HUMAN_TASK_KINDS),
  }),
  'claimed-by': (claimedBy: string): HumanTaskFilter => ({ claimedBy }),
};

function addCondition(typed: string, before: HumanTaskFilter = {}): HumanTaskFilter {
  const [, name = '', value = ''] = /^([a-z-]+)=(.+)$/s.exec(typed) ?? [];
  const condition = Object.entries(CONDITIONS).find(([each]) => each === name)?.[1](value);
  if (!condition) {
    const names = Object.keys(CONDITIONS).map((each) => `${each}=...`);
    throw new UsageError(`--where: must be one of ${names.join(', ')}`);
  }
  if (Object.keys(condition).some((each) => each in before)) {
    throw new UsageError(`--where: ${name} can be given once`);
  }
  return { ...before, ...condition };
}

function oneOf<Word extends string>(name: string, value: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === value);
  if (word !== undefined) return word;
  throw new UsageError(`--where: ${name} must be one of ${words.join(', ')}`);
}

/** Refuses what goes with many tasks alone, beside one. */
export function refuseBulkOptions(options: BulkOptions): void {
  const { olderThan, rate, limit, dryRun, yes } = options;
  const given = Object.entries({
    '--older-than': olderThan,
    '--rate': rate,
    '--limit': limit,
    '--dry-run': dryRun,
    '--yes': yes,
  }).find(([, value]) => value !== undefined);
  if (given) throw new UsageError(`${given[0]}: goes with --where, for many tasks`);
}

/** Decides about many tasks: says which, asks, begins a run, and shows how it goes. */
export async function resolveMany(
  options: TargetOptions &
    OutputOptions &
    MayWaitOptions &
    BulkOptions & { decision: string; courier?: string; actor: string; note: string },
): Promise<void> {
  const { parseAct } = await import('../domain/act.js');
  const act = parseTyped(() => parseAct(options));
  const decision = bulkDecision(options.decision);
  const { olderThan: openedBefore, rate: ratePerSecond, limit, dryRun = false } = options;
  const filter: HumanTaskFilter = { ...options.where, ...defined({ openedBefore }) };
  const selection = { filter, ...defined({ limit }) };
  const { services, nextCommand } = await chooseTarget(options, {
    needs: ['temporal', 'ordersDatabaseUrl'],
  });
  await withDatabases(services, async ({ orders: database }) => {
    const { planBulk, startBulk } = await import('../operations/bulk.js');
    const plan = await planBulk(database, selection);
    if (dryRun) {
      print(options, { dryRun, ...plan }, planText(plan));
      return;
    }
    if (!options.yes && plan.matched > 0) {
      say(planText(plan));
      const question = `${decision} for ${plan.matched} human tasks?`;
      if (!(await confirm(question))) throw new UsageError('nothing was decided');
    }
    await withTemporal(services, async ({ temporal }) => {
      const { bulkId, tasks } = await startBulk(
        { database, temporal },
        { ...selection, ...act, decision, ...defined({ ratePerSecond }) },
      );
      if (!options.wait) {
        const next = nextCommand(`bulk show ${bulkId}`);
        const text = `bulk run ${bulkId} decides about ${tasks} tasks; where it stands: ${next}`;
        print(options, { bulkId, tasks, decision }, text);
        return;
      }
      say(
        `bulk run ${bulkId}: ${decision} for ${tasks} tasks (Ctrl-C ends the looking, not the run)`,
      );
      await followBulk(database, { bulkId, options, nextCommand, temporal });
    });
  });
}

function bulkDecision(typed: string): BulkDecision {
  const decision = BULK_DECISIONS.find((each) => each === typed);
  if (decision) return decision;
  throw new UsageError(
    `--decision: with --where, must be one of ${BULK_DECISIONS.join(', ')}; each order needs a courier of its own`,
  );
}
