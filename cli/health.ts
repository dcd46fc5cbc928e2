import type { Command } from 'commander';
import type { HealthReport } from '../domain/health';
import type { Health } from '../operations/health';
import { EXIT } from './exit';
import { chooseTarget, withDatabases } from './open-services';
import { colours, fields, formatAge, print, type OutputOptions } from './output';
import type { TargetOptions } from './target-options';

const HELP = `
The supplement system checks each minute, by a Temporal Schedule (setup
schedules). Exits with 1 where something is critical, with 3 where the last
report is older than five minutes: then nobody checks.

Example:
  $ order-dispatch health
  $ order-dispatch health --json | jq -r '.report.findings[].what'`;

/** `health`: what the last health check saw. */
export function addHealthCommand(program: Command): void {
  program
    .command('health')
    .description('Show what the last scheduled health check saw, and what to do about it.')
    .addHelpText('after', HELP)
    .action((_, command: Command) => showHealth(command.optsWithGlobals()));
}

async function showHealth(options: TargetOptions & OutputOptions): Promise<void> {
  const { services } = await chooseTarget(options, { needs: ['ordersDatabaseUrl'] });
  const { readHealth } = await import('../operations/health.js');
  const health = await withDatabases(services, ({ orders }) => readHealth(orders));
  print(options, health, healthText(health));
  if (health.state === 'unhealthy') process.exitCode = EXIT.refused;
  if (health.state === 'stale') process.exitCode = EXIT.unreachable;
}

function healthText({ state, report, ageMs = 0 }: Health): string {
  const age = formatAge(ageMs);
  if (!report)
    return 'stale: there is no report; does the supplement system run, and are there schedules (setup schedules)?';
  const head =
    state === 'stale'
      ? colours.red(`stale: the last report is ${age} old; does the supplement system run?`)
      : `${state === 'healthy' ? colours.green(state) : colours.red(state)}, checked ${age} ago`;
  return [
    head,
    ...report.findings.map(({ severity, code, what, whatToDo, examples }) =>
      fields({
        [severity]: `${code}: ${what}`,
        'what to do': whatToDo,
        such: examples?.join(', '),
      }),
    ),
    fields(figures(report)),
  ].join('\n\n');
}

function figures({ figures: seen, notChecked }: HealthReport): Record<string, string | undefined> {
  const { orders, openTasks, openDeadLetters, held, queues, acknowledgementMs } = seen;
  const { connections, copyLagMs, eventsBehindMs } = seen;
  return {
    'orders on their way': orders && counts(orders),
    'open human tasks': openTasks && counts(openTasks),
    'open dead letters': openDeadLetters?.toString(),
    held: held?.toString(),
    answers:
      acknowledgementMs &&
      `${acknowledgementMs.answers} in 5 minutes, p50 ${acknowledgementMs.p50} ms, p99 ${acknowledgementMs.p99} ms`,
    queues:
      queues &&
      Object.entries(queues)
        .map(([queue, { messages, consumers }]) => `${queue}: ${messages}, ${consumers} consumers`)
        .join('\n'),
    connections:
      connections &&
      Object.entries(connections)
        .map(([database, { used, maximum }]) => `${database} database: ${used} of ${maximum}`)
        .join('\n'),
    copies: copyLagMs === undefined ? undefined : `compared ${formatAge(copyLagMs)} late`,
    events:
      eventsBehindMs === undefined
        ? undefined
        : `the oldest unsent is ${formatAge(eventsBehindMs)} old`,
    'not checked':
      notChecked.length === 0
        ? undefined
        : notChecked.map(({ what, why }) => `${what}: ${why}`).join('\n'),
  };
}

function counts(byName: Record<string, number>): string {
  const shown = Object.entries(byName).map(([name, count]) => `${count} ${name}`);
  return shown.length === 0 ? 'none' : shown.join(', ');
}
